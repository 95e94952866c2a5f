"""Run the emulator from a shell until Ctrl-C: `python -m langchain_volcark.emulator --port 8080`."""

from __future__ import annotations

import argparse
import os
import signal
import socket
import sys

from langchain_volcark.emulator import Emulator


def main(arguments: list[str] | None = None, prog: str = "python -m langchain_volcark.emulator") -> int:
    """Start an emulator, print its addresses and credentials, and wait until it is stopped.

    Args:
        arguments: Command line arguments without the program name; default is `sys.argv`.
        prog: The program's name in its help.

    Returns:
        The exit code.
    """
    parser = argparse.ArgumentParser(
        prog=prog, description="A local server with the APIs of Ark, Qianfan and the knowledge base."
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=0, help="port to listen on (default: a free one)")
    parser.add_argument("--api-key", help="the key it accepts (default: a random one)")
    parser.add_argument(
        "--chunk-delay", type=float, default=0.0, metavar="SECONDS", help="time between two events of a stream"
    )
    parser.add_argument(
        "--documents", metavar="FOLDER", help="what fills the knowledge base (default: a small sample)"
    )
    parser.add_argument(
        "--log", metavar="FILE", help="file to which each request is appended as a line of JSON (default: none)"
    )
    _add_upstream(parser)
    options = parser.parse_args(arguments)
    key = os.environ.get(options.upstream_key_env) if options.upstream_key_env else None
    if options.upstream_key_env and not key:
        parser.error(f"--upstream-key-env: the environment variable {options.upstream_key_env} is not set")
    try:
        emulator = Emulator(
            host=options.host,
            port=options.port,
            api_key=options.api_key,
            documents=options.documents,
            chunk_delay=options.chunk_delay,
            log=options.log,
            upstream=options.upstream,
            upstream_model=options.upstream_model,
            upstream_key=key,
            upstream_timeout=options.upstream_timeout,
        ).start()
    except (OSError, ValueError) as error:
        sys.stderr.write(f"{getattr(error, 'strerror', None) or error}\n")
        return 1
    _run_until_stopped(emulator)
    return 0


def _run_until_stopped(emulator: Emulator) -> None:
    """Print the addresses, and stop the emulator at the first SIGINT or SIGTERM."""
    # Read as bytes from a socket: works in any thread, and a second signal raises no exception during clean-up.
    reader, writer = socket.socketpair()
    writer.setblocking(False)
    signal.set_wakeup_fd(writer.fileno())
    # Set for both, because shells start background processes with SIGINT ignored.
    for end in (signal.SIGINT, signal.SIGTERM):
        signal.signal(end, lambda _number, _frame: None)
    sys.stdout.write(_banner(emulator))
    sys.stdout.flush()
    reader.recv(1)
    emulator.stop()
    signal.set_wakeup_fd(-1)
    reader.close()
    writer.close()


def _add_upstream(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("a real model behind the wire formats")
    group.add_argument(
        "--upstream",
        metavar="URL",
        help="OpenAI-compatible server that writes the replies (Ollama, vLLM, llama.cpp): http://127.0.0.1:11434/v1",
    )
    group.add_argument("--upstream-model", metavar="NAME", help="model to ask there (default: the first it lists)")
    group.add_argument("--upstream-key-env", metavar="NAME", help="environment variable that holds its API key")
    group.add_argument(
        "--upstream-timeout",
        type=float,
        default=600.0,
        metavar="SECONDS",
        help="silence after which it is given up (default: %(default)g)",
    )


def _banner(emulator: Emulator) -> str:
    lines = {
        "ARK_BASE_URL": emulator.ark_base_url,
        "ARK_API_KEY": emulator.api_key,
        "VOLC_ACCESSKEY": emulator.access_key,
        "VOLC_SECRETKEY": emulator.secret_key,
    }
    settings = "\n".join(f"export {name}={value}" for name, value in lines.items())
    return (
        f"{settings}\n# control plane: {emulator.control_base_url}   faults: {emulator.origin}/_emulator/\n"
        f"# knowledge base: {emulator.knowledge_base_url}   collection: demo   service: kb-service-demo\n"
        f"export VOLC_KNOWLEDGE_API_KEY={emulator.service_api_key}\n"
        f"# Qianfan V2: {emulator.qianfan_base_url}   V1: {emulator.qianfan_v1_base_url}\n"
        f"# its token exchange: {emulator.token_url}   the access key above signs V1 requests too\n"
        f"export QIANFAN_BEARER_TOKEN={emulator.qianfan_api_key}\n"
        f"export QIANFAN_AK={emulator.client_id}\nexport QIANFAN_SK={emulator.client_secret}\n"
    )


if __name__ == "__main__":
    sys.exit(main())
