import asyncio

from answers import answer_async
from kubernetes_asyncio import client, config

api = None


async def list_pods():
    global api
    if api is None:
        await config.load_kube_config()
        api = client.CoreV1Api()
    await api.list_namespaced_pod("default")


async def main():
    await answer_async(list_pods)
    if api is not None:
        await api.api_client.close()


asyncio.run(main())
