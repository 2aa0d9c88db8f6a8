"""The house rules that a program can check, read from the source with ``ast``."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ORDER = """
    __init__ errors reports filters types text identity settings resources sentences
    openings words
    units numerals derived quantities names terms topic_terms topic_names
    topic_tasks topics injection language aside
    weights graph minilm verifier_graph readings verifier answering_graph answering embedding
    loaders.textfile loaders.sources loaders.fields loaders.keys loaders.shapes
    loaders.page loaders.markdown loaders.table loaders.jsonl loaders.jsondoc
    loaders.references loaders.latex loaders.bibtex loaders.ris loaders.medline
    loaders.xmltree loaders.pubmed_xml loaders.atom loaders.formats loaders
    polite fetch chunking
    sql tables records subjects facets ledger topical exact dense lexical mirror folder store
    remote lease shelf follower shared
    asked focus relevance intake references preference retrieval library sample
    prompting chatter citations evidence grounding disagreement enforcement history
    choosing extractive reasoning chat judge writers checking replies answers assistant
    documents comparison render progress session batch
    web web.visitors web.limits web.access web.accounts web.caller web.refusals web.uploads
    web.login web.guard web.headers web.server web.background
    web.reasons web.exchange web.exports web.examples web.markup web.cards web.turns web.html
    web.feedback web.site web.gradio_import web.parts web.front web.boxes web.topics_html
    web.limit_boxes web.wishes web.chat_tab
    web.jobs web.jobs_html web.chats web.past_html web.past_chats
    web.library_html web.library_view web.library_tab
    web.check_html web.check_tab web.evaluations web.evaluation_html web.evaluation_tab
    web.programs web.endpoints web.transcript
    web.completions web.v1 web.tools web.application
    cli_eval_beir cli_eval_set cli_eval cli_fetch cli_filters cli_facets cli_names cli_library
    cli_chat cli_users cli_mcp cli __main__ schemas llama
""".split()
"""A module imports only modules that stand before it."""
HEAVY = {"chromadb", "gradio", "huggingface_hub", "llama_index", "onnx", "onnxruntime", "openai",
         "safetensors", "tantivy", "tokenizers", "torch"}  # fmt: skip
MAX_LINES = 320

Found = tuple[str, bool]
"""A dotted name, and whether it is imported as soon as the module is."""


def name_of(path: Path) -> str:
    parts = path.relative_to(ROOT / "rag").with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)


FILES = {name_of(path): path for path in sorted((ROOT / "rag").rglob("*.py"))}


def imports(tree: ast.AST, at_once: bool = True) -> Iterator[Found]:
    """What ``tree`` imports, but for type checkers only."""
    for node in ast.iter_child_nodes(tree):
        match node:
            case ast.Import():
                yield from ((alias.name, at_once) for alias in node.names)
            case ast.ImportFrom():
                assert not node.level, "imports of ours are absolute"
                yield from ((f"{node.module}.{alias.name}", at_once) for alias in node.names)
            case ast.If(test=ast.Name(id="TYPE_CHECKING")):
                yield from imports(ast.Module(node.orelse, []), at_once)
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.Lambda():
                yield from imports(node, False)
            case _:
                yield from imports(node, at_once)


def ours(dotted: str) -> str | None:
    """The module of ours that ``import dotted`` runs, by its name in ``ORDER``."""
    first, _, rest = dotted.partition(".")
    if first != "rag":
        return None
    while rest and rest not in FILES:
        rest = rest.rpartition(".")[0]
    return rest or "__init__"


def parsed(module: str) -> ast.Module:
    return ast.parse(FILES[module].read_text(encoding="utf-8"))


def test_the_reader_of_imports_sees_them_all() -> None:
    source = """
import os
if TYPE_CHECKING:
    import hidden
else:
    import shown
class A:
    from rag import store
    def f(self):
        from rag.loaders.page import load
        if self:
            import onnx.helper
"""
    assert list(imports(ast.parse(source))) == [
        ("os", True), ("shown", True), ("rag.store", True), ("rag.loaders.page.load", False),
        ("onnx.helper", False),
    ]  # fmt: skip
    assert [ours(d) for d in ("rag.store", "rag.loaders.page.load", "rag.__version__", "os")] == [
        "store", "loaders.page", "__init__", None,
    ]  # fmt: skip


def test_the_order_names_every_module_once() -> None:
    assert sorted(ORDER) == sorted(FILES)


@pytest.mark.parametrize("module", FILES)
def test_a_module_imports_only_what_stands_before_it(module: str) -> None:
    used = {name for dotted, _ in imports(parsed(module)) if (name := ours(dotted))}
    before = ORDER[: ORDER.index(module)]
    assert used <= {*before, "__init__"}


@pytest.mark.parametrize("module", sorted(FILES.keys() - {"llama"}))
def test_heavy_packages_wait_for_their_first_use(module: str) -> None:
    at_once = {dotted.split(".")[0] for dotted, now in imports(parsed(module)) if now}
    assert not at_once & HEAVY


def test_only_the_settings_read_the_environment() -> None:
    readers = set()
    for path in [*FILES.values(), *(ROOT / "eval").rglob("*.py"), ROOT / "app.py"]:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            names = {getattr(node, key, None) for key in ("attr", "id", "name")}
            if names & {"environ", "getenv", "environb", "putenv"}:
                readers.add((path.relative_to(ROOT).as_posix(), getattr(node, "lineno", 0)))
    lines = {(f, (ROOT / f).read_text("utf-8").splitlines()[n - 1].strip()) for f, n in readers}
    others = {(f, line) for f, line in lines if f != "rag/settings.py"}
    assert others == {
        ("app.py", 'os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"'),
        ("app.py", 'os.environ["GRADIO_TEMP_DIR"] = str(uploads.folder())'),
    }


@pytest.mark.parametrize("module", FILES)
def test_modules_stay_short(module: str) -> None:
    assert len(FILES[module].read_text(encoding="utf-8").splitlines()) <= MAX_LINES
