"""What the official SDK does, run in its own environment: reads tasks as JSON, prints the replies as JSON."""

import json
import sys

import qianfan  # type: ignore[import-not-found,unused-ignore]


def run(task):  # type: ignore[no-untyped-def]
    options = task["options"]
    if task["kind"] == "embeddings":
        return qianfan.Embedding(version="1").do(**options).body
    chat = qianfan.ChatCompletion(version=task["version"])
    replies = chat.do(**options)
    return [reply.body for reply in replies] if options.get("stream") else replies.body


if __name__ == "__main__":
    sys.stdout.write(json.dumps([run(task) for task in json.load(sys.stdin)]))
