"""`python -m langchain_volcark`: the command line."""

from langchain_volcark.cli.main import run

if __name__ == "__main__":
    run()
