from answers import answer
from lightkube import Client
from lightkube.resources.core_v1 import Pod

client = None


def list_pods():
    global client
    client = client or Client()
    list(client.list(Pod, namespace="default"))


answer(list_pods)
