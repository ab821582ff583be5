from answers import answer
from kubernetes import client, config

api = None


def list_pods():
    global api
    if api is None:
        config.load_kube_config()
        api = client.CoreV1Api()
    api.list_namespaced_pod("default")


answer(list_pods)
