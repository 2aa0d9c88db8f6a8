"""Settings: the only reader of the environment and of ``.env``. Builds nothing."""

from __future__ import annotations

import difflib
import os
import sys
import warnings
from functools import lru_cache
from ipaddress import ip_address
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from platformdirs import user_data_path
from pydantic import AliasChoices, Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, DotEnvSettingsSource, SettingsConfigDict

from rag.errors import SettingsError

PREFIX = "RAG_"


class Settings(BaseSettings):
    """What a person may set, from ``RAG_*`` variables or a ``.env`` file in this folder."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_file=".env", extra="ignore", frozen=True, populate_by_name=True,
        env_ignore_empty=True,
    )  # fmt: skip

    store: Path = Field(default_factory=lambda: user_data_path("footnote") / "library")
    """Folder of the collection."""
    model: str = ""
    """Chat model at an OpenAI-compatible endpoint; empty: the extractive writer answers."""
    embedding: str = "minilm"
    """``minilm`` (embedded) or ``openai:MODEL``."""
    timeout: float = Field(default=60.0, gt=0)
    """Seconds to wait for a model, arXiv or PubMed before an attempt counts as failed."""
    retries: int = Field(default=2, ge=0, le=10)
    """Further attempts after a failed call of one of them."""
    judge: bool = False
    """Whether ``model``, if there is one, decides where the embedded verifier is unsure."""
    strictness: Literal["standard", "strict"] = "standard"
    """``strict`` lets fewer unsupported sentences through and loses more good ones."""
    arxiv_url: str = "https://export.arxiv.org/api/query"
    """Where ``rag fetch arxiv`` asks."""
    pubmed_url: str = "https://eutils.ncbi.nlm.nih.gov/entrez/eutils"
    """Where ``rag fetch pubmed`` asks."""
    chroma_url: str = ""
    """Chroma server that shares the collection; empty: it is this machine's alone."""
    chroma_token: str = Field(default="", repr=False)
    """Sent to that server, for a proxy before it or Chroma Cloud."""
    chroma_tenant: str = "default_tenant"
    """Whose database it is; Chroma Cloud names it."""
    chroma_database: str = "default_database"
    """Where on that server the collection lies: one collection in each database."""
    openai_api_key: str = Field(
        default="", repr=False, validation_alias=AliasChoices("openai_api_key", "OPENAI_API_KEY")
    )
    openai_base_url: str = Field(
        default="", validation_alias=AliasChoices("openai_base_url", "OPENAI_BASE_URL")
    )

    @field_validator("store")
    @classmethod
    def _expand(cls, value: Path) -> Path:
        return value.expanduser()

    @field_validator("chroma_url")
    @classmethod
    def _web_address(cls, value: str) -> str:
        if value and not (urlsplit(value).scheme in ("http", "https") and urlsplit(value).hostname):
            raise ValueError("expected an address such as http://127.0.0.1:8000")
        return value.rstrip("/")

    @field_validator("embedding")
    @classmethod
    def _known_embedding(cls, value: str) -> str:
        if value != "minilm" and not (value.startswith("openai:") and len(value) > 7):
            raise ValueError("expected 'minilm' or 'openai:MODEL'")
        return value

    @property
    def endpoint(self) -> str:
        """Where a remote model would be asked; shown before anything is sent."""
        return self.openai_base_url or "https://api.openai.com/v1"


def load(**overrides: object) -> Settings:
    """Read the settings; ``overrides`` that are not None win.

    Raises:
        SettingsError: a value is wrong; names the variable, the value and what is expected.
            Or ``.env`` cannot be read.
    """
    try:
        given = {name.upper() for name in (*os.environ, *DotEnvSettingsSource(Settings).env_vars)}
        _warn_unknown(tuple(sorted(name for name in given if name.startswith(PREFIX))))
        return Settings(**{k: v for k, v in overrides.items() if v is not None})  # type: ignore[arg-type]
    except ValidationError as error:
        first = error.errors()[0]
        name = "_".join(str(part) for part in first["loc"]).upper()
        name = name if name.startswith("OPENAI") else PREFIX + name.removeprefix(PREFIX)
        expected = first["msg"].removeprefix("Value error, ")
        raise SettingsError(
            f"{name}={first['input']!r} is not usable: {expected}; correct or unset it"
        ) from error
    except UnicodeDecodeError as error:
        raise SettingsError(f".env is not UTF-8 (byte {error.start}); save it as UTF-8") from error
    except OSError as error:
        raise SettingsError(f".env cannot be read: {error.strerror}; make it readable") from error


def can_open_browser() -> bool:
    """Whether a browser has somewhere to appear; over a terminal, Python would start lynx."""
    return sys.platform in ("darwin", "win32") or any(
        os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")
    )


def is_loopback(url: str) -> bool:
    """Whether ``url`` points at this machine, so that what is sent there does not leave it."""
    try:
        host = urlsplit(url).hostname or ""
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:  # a name, or no address at all
        return False


@lru_cache
def _warn_unknown(names: tuple[str, ...]) -> None:
    known = [PREFIX + name.upper() for name in Settings.model_fields if "openai" not in name]
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"; did you mean {near[0]}?" if near else f"; known: {', '.join(known)}"
            warnings.warn(f"unknown setting {name}{hint}", stacklevel=3)
