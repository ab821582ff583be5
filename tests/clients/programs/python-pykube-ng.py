import pykube
from answers import answer

api = None


def list_pods():
    global api
    api = api or pykube.HTTPClient(pykube.KubeConfig.from_env())
    list(pykube.Pod.objects(api).filter(namespace="default"))


answer(list_pods)
