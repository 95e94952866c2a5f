"""A tour of the package: a streamed answer, a chain, an agent on real files, errors, token usage.

Run it with `make demo`. It needs no key: without `ARK_API_KEY` and `ARK_MODEL` it starts the emulator.
"""

from __future__ import annotations

import time
from pathlib import Path

from langchain.agents import create_agent
from langchain_core.callbacks import BaseCallbackHandler, UsageMetadataCallbackHandler
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, HumanMessage, ToolMessage
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.tools import tool
from session import Session, heading, session
from tenacity import RetryCallState

from langchain_volcark import ChatArk
from langchain_volcark.exceptions import AuthenticationError, VolcArkError

REPOSITORY = Path(__file__).resolve().parent.parent


def _inside(path: str) -> Path:
    """Resolve a path inside the repository; a model must not read other files."""
    found = (REPOSITORY / path).resolve()
    if not found.is_relative_to(REPOSITORY):
        raise ValueError(f"{path} is outside the repository.")
    return found


@tool
def list_files(folder: str) -> str:
    """List the Python files of a folder of this repository."""
    files = sorted(found.relative_to(REPOSITORY).as_posix() for found in _inside(folder).glob("*.py"))
    return "\n".join(files) or f"{folder} holds no Python files."


@tool
def count_lines(folder: str) -> str:
    """Count the lines of all Python files below a folder of this repository."""
    files = sorted(_inside(folder).rglob("*.py"))
    lines = sum(len(found.read_text(encoding="utf-8").splitlines()) for found in files)
    return f"{len(files)} files, {lines} lines"


@tool
def read_head(path: str) -> str:
    """Read the first five lines of a file of this repository."""
    return "\n".join(_inside(path).read_text(encoding="utf-8").splitlines()[:5])


def stream_an_answer(model: ChatArk) -> None:
    """Stream reasoning and answer."""
    heading("A streamed answer, thinking shown apart")
    thinking = True
    print("thinking: ", end="")
    total: AIMessageChunk | None = None
    for chunk in model.stream("花椰菜是什么？一句话。"):
        total = chunk if total is None else total + chunk
        print(chunk.additional_kwargs.get("reasoning_content", ""), end="", flush=True)
        if chunk.text and thinking:
            thinking = False
            print("\nanswer:   ", end="")
        print(chunk.text, end="", flush=True)
    assert total is not None
    print(f"\n[{total.response_metadata['finish_reason']}, {total.usage_metadata}]")


def run_a_chain(model: ChatArk) -> None:
    """Run an LCEL chain: prompt, model, parser."""
    heading("A chain: prompt | model | parser")
    prompt = ChatPromptTemplate.from_messages([("system", "Answer in one sentence."), ("human", "{question}")])
    chain = prompt | model.bind(thinking="disabled") | StrOutputParser()
    for answer in chain.batch([{"question": "Why is the sky blue?"}, {"question": "为什么海水是咸的？"}]):
        print("-", answer)


def show(message: BaseMessage) -> None:
    """Print one step of the agent."""
    if isinstance(message, ToolMessage):
        print("  ->", message.text.replace("\n", "\n     "))
    elif isinstance(message, AIMessage):
        for call in message.tool_calls:
            print(f"agent calls {call['name']}({call['args']})")
        if message.text:
            print("agent:", message.text)


def run_an_agent(here: Session, usage: UsageMetadataCallbackHandler) -> None:
    """Run an agent that reads this repository, step by step."""
    heading("An agent that calls Python functions on this repository's files")
    model = ChatArk(model=here.model, parallel_tool_calls=False, callbacks=[usage], **here.arguments)
    agent = create_agent(model, [list_files, count_lines, read_head])
    question = (
        'Use list_files on "langchain_volcark/http", then count_lines on "langchain_volcark", '
        'then read_head on "langchain_volcark/http/retry.py", and report what you found.'
    )
    print("user:", question)
    for update in agent.stream({"messages": [HumanMessage(question)]}, stream_mode="updates"):
        for step in update.values():
            for message in step["messages"]:
                show(message)


class ShowRetries(BaseCallbackHandler):
    """Prints each retry that a model makes."""

    def on_retry(self, retry_state: RetryCallState, **_: object) -> None:
        """Called before the wait."""
        error = retry_state.outcome.exception() if retry_state.outcome else None
        print(f"attempt {retry_state.attempt_number} failed: {error}")
        print(f"  trying again in {retry_state.upcoming_sleep:.1f} s")


def fail_well(here: Session) -> None:
    """Show the error for a wrong key, and retries after a rate limit."""
    heading("Failures: a wrong key, and a rate limit that heals")
    wrong = ChatArk(model=here.model, **{**here.arguments, "api_key": "not-a-key"})
    try:
        wrong.invoke("Hello")
    except AuthenticationError as error:
        print(f"{type(error).__name__}: {error}")
    if here.server is None:
        print("(The rate limit is played by the emulator only.)")
        return
    here.server.fail_next(status=429, code="RateLimitExceeded.EndpointTPMExceeded", times=2, retry_after=0.2)
    model = ChatArk(model=here.model, **here.arguments)
    answer = model.invoke("Are you still there?", {"callbacks": [ShowRetries()]})
    print("answered:", answer.text)


def main() -> None:
    """Run all parts, then print the token usage."""
    started = time.perf_counter()
    with session() as here:
        usage = UsageMetadataCallbackHandler()
        model = ChatArk(model=here.model, callbacks=[usage], **here.arguments)
        try:
            stream_an_answer(model)
            run_a_chain(model)
            run_an_agent(here, usage)
            fail_well(here)
            last = model.invoke("Goodbye")
        except VolcArkError as error:
            raise SystemExit(f"{type(error).__name__}: {error}") from error
        heading("What it took")
        for name, tokens in usage.usage_metadata.items():
            print(f"{name}: {tokens['input_tokens']} tokens in, {tokens['output_tokens']} out")
        print("last request's id, for the service's support:", last.response_metadata["request_id"])
        print(f"done in {time.perf_counter() - started:.1f} s")


if __name__ == "__main__":
    main()
