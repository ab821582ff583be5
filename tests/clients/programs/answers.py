"""What all programs in Python share: a line of standard input is a question, a line of standard output its answer."""

import asyncio
import sys


def answer(list_pods):
    """Asks `list_pods` once with --once, and else for each line."""
    if "--once" in sys.argv:
        list_pods()
        return
    for _ in sys.stdin:
        print(_try(list_pods), flush=True)


async def answer_async(list_pods):
    """The same for a client that is awaited."""
    if "--once" in sys.argv:
        await list_pods()
        return
    while await asyncio.to_thread(sys.stdin.readline):
        try:
            await list_pods()
            print("listed", flush=True)
        except Exception as error:
            print(_failed(error), flush=True)


def _try(list_pods):
    try:
        list_pods()
        return "listed"
    except Exception as error:
        return _failed(error)


def _failed(error):
    return f"failed: {type(error).__name__} {error}".replace("\n", " ")
