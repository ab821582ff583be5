import kr8s
from answers import answer

api = None


def list_pods():
    global api
    api = api or kr8s.api()
    list(api.get("pods", namespace="default"))


answer(list_pods)
