"""An OpenID provider of Canaille: `python canaille-server.py HOST CLIENT_ID REDIRECT_URL`.

Writes its port when it listens, by http, behind the server that speaks https for it.
"""

import sys
from wsgiref.simple_server import WSGIRequestHandler, make_server

from canaille import create_app
from canaille.app import models
from canaille.backends import Backend
from joserfc.jwk import RSAKey
from werkzeug.middleware.proxy_fix import ProxyFix

host, client_id, redirect_url = sys.argv[1:]
key = RSAKey.generate_key(2048)

app = create_app(
    config={
        "SECRET_KEY": "only for tests",
        "SERVER_NAME": host,
        "PREFERRED_URL_SCHEME": "https",
        "CANAILLE": {"DATABASE": "memory", "JAVASCRIPT": False, "HTMX": False},
        "CANAILLE_OIDC": {"ACTIVE_JWKS": [key.as_dict(private=True)]},
    },
    env_file=None,
)
app.wsgi_app = ProxyFix(app.wsgi_app)


class Quiet(WSGIRequestHandler):
    def log_message(self, *_):
        pass


with app.app_context(), Backend.instance.session():
    alice = models.User(
        user_name="alice",
        password="any will do",
        family_name="Example",
        formatted_name="Alice Example",
        emails=["alice@example.com"],
    )
    Backend.instance.save(alice)
    client = models.Client(
        client_id=client_id,
        client_name="Kubernetes",
        client_uri="https://kubernetes.example.com",
        redirect_uris=[redirect_url],
        token_endpoint_auth_method="none",
        grant_types=["authorization_code", "refresh_token"],
        response_types=["code"],
        scope=["openid", "email", "profile"],
    )
    Backend.instance.save(client)
    client.audience = [client]
    Backend.instance.save(client)

with make_server("127.0.0.1", 0, app, handler_class=Quiet) as server:
    print(server.server_port, flush=True)
    server.serve_forever()
