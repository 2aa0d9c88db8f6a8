"""The tab of the papers: add them, look through them, take them out."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from functools import wraps
from typing import TYPE_CHECKING, Any

from rag.errors import RagError, StoreBusyError
from rag.types import IngestReport
from rag.web import library_html as html
from rag.web import library_view as view
from rag.web.boxes import texts_of
from rag.web.exchange import without_path
from rag.web.jobs import BUSY, Job
from rag.web.jobs_html import counted, problem_html, progress_html, remark_html
from rag.web.limit_boxes import LimitBoxes
from rag.web.parts import shown
from rag.web.site import Collection, Site

if TYPE_CHECKING:
    from gradio.components import Component

    from rag.library import Library

_CHOSEN = (
    "(...given) => [JSON.stringify([...document.querySelectorAll('#papers input:checked')]"
    ".map((box) => box.value)), ...given.slice(1)]"
)
_QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
Update = dict[Any, Any]


class LibraryTab:
    """The components of the tab, laid out where it is made, and the wires between them.

    Args:
        site: whose collections are shown, and changed unless it is read-only.
        chosen: the component whose value is the name of the collection to show.
    """

    def __init__(self, site: Site, chosen: Component) -> None:

        import gradio as gr

        self.site, self.chosen = site, chosen
        self.jobs: dict[str, Job[IngestReport]] = {}  # the last ingest of each collection
        with gr.Tab("Library", elem_id="library") as self.tab:
            self.status = shown("", "library-status")
            if not site.read_only:
                self._lay_out_adding()
            self._lay_out_papers()

    def _lay_out_adding(self) -> None:
        import gradio as gr

        with gr.Column(elem_id="adding", min_width=0):
            self.receiving = shown("", "receiving")
            self.drop = gr.File(
                label="Files of papers", show_label=False, file_count="multiple", height=120,
                elem_id="drop",
            )  # fmt: skip
            self.progress = shown("", "ingesting")
            self.stop = gr.Button("Stop", visible=False, elem_id="ingest-stop", min_width=0)

    def _lay_out_papers(self) -> None:
        import gradio as gr

        self.page = gr.State(0)
        with gr.Row(elem_id="finder"):
            self.box = gr.Textbox(
                "", label="Search the papers", placeholder="Search the papers", show_label=False,
                container=False, max_lines=1, elem_id="find", min_width=0,
            )  # fmt: skip
            self.search = gr.Button("Search", elem_id="search", min_width=0)
        self.limits = LimitBoxes(self.site, "filter", "Filter")
        with gr.Row(elem_id="pager"):
            self.account = shown("", "account")
            self.back = gr.Button("Previous", elem_id="previous", min_width=0)
            self.on = gr.Button("Next", elem_id="next", min_width=0)
            if not self.site.read_only:
                self.remove = gr.Button("Remove ticked…", elem_id="remove", min_width=0)
        if not self.site.read_only:
            with gr.Column(visible=False, elem_id="confirm", min_width=0) as self.confirm:
                self.question, self.doomed = shown("", "removal"), gr.State(())
                self.ticked = gr.Textbox(visible=False)  # their ids, once the button is pressed
                with gr.Row():
                    self.sure = gr.Button("Remove", variant="stop", elem_id="sure", min_width=0)
                    self.keep = gr.Button("Keep them", elem_id="keep", min_width=0)
        self.told = shown("", "library-told")
        self.papers = shown("", "papers")

    # --- wires --------------------------------------------------------------------------

    def connect(self) -> list[Any]:
        """Say what each button does. An ingest goes on when the page that began it is closed.

        Returns:
            Triggers for what is to be done after papers have changed.
        """
        import gradio as gr

        asked = [self.chosen, self.box, *self.limits.inputs]
        seen = [self.papers, self.account, self.page, self.back, self.on, self.told, self.status]
        first, turned = [*asked], [*asked, self.page]
        quiet: dict[str, Any] = _QUIET | {"concurrency_limit": 4, "concurrency_id": "papers"}
        if not self.site.read_only:
            seen += [self.receiving, self.remove, self.confirm]
        sent = [box.submit for box in (self.box, *self.limits.typed)]
        gr.on(
            [self.tab.select, self.search.click, *sent, self.limits.picked.change],  # type: ignore[attr-defined]
            self.show, first, seen, trigger_mode="always_last", **quiet,
        )  # fmt: skip
        self.limits.connect(self.chosen)
        self.chosen.change(self.turn_to, asked[:2], [*seen, *self.limits.parts], **quiet)  # type: ignore[attr-defined]
        self.back.click(_turn(self.show, -1), turned, seen, **quiet)
        self.on.click(_turn(self.show, 1), turned, seen, **quiet)
        return [] if self.site.read_only else self._connect_changes(seen, quiet)

    def _connect_changes(self, seen: list[Component], quiet: dict[str, Any]) -> list[Any]:
        asking = [self.question, self.doomed, self.confirm, self.told]
        self.remove.click(self.ask, [self.ticked, self.chosen], asking, js=_CHOSEN, **quiet)
        self.keep.click(self.leave, None, asking, **quiet)
        removed = self.sure.click(
            self.take_out,
            [self.doomed, self.chosen, self.box, *self.limits.inputs, self.page],
            list(dict.fromkeys([*asking, *seen])),
            **quiet,
        )
        # Who waits for an ingest takes nobody's place.
        waiting: dict[str, Any] = _QUIET | {"concurrency_limit": None}
        adding = [self.drop, self.progress, self.stop, self.chosen]
        everything = list(dict.fromkeys([*adding, self.box, *seen, *self.limits.parts]))
        added = self.drop.upload(self.add, [self.drop, self.chosen], everything, **waiting)
        resumed = self.tab.select(self.resume, self.chosen, everything, **waiting)
        self.stop.click(self.give_up, self.chosen, None, **_QUIET)
        return [removed.then, added.then, resumed.then]

    # --- looking ------------------------------------------------------------------------

    def show(self, name: str, question: str, *boxes: str | None, page: int = 0) -> Update:
        """The papers that the boxes ask for, and what the collection holds."""
        chosen = self.site.collection(name)
        library = chosen.assistant.library
        try:
            listing = view.listing(library, view.query_of(question, *boxes, page=page))
            status = html.status_html(chosen.name, view.status(library))
        except RagError as error:
            return {self.told: problem_html(_told(error, library))}
        return {
            self.status: status,
            self.told: "",
            **self._listed(listing, choosable=self._may_remove(chosen)),
            **self._adding(chosen),
        }

    def turn_to(self, name: str, question: str) -> Update:
        """The papers of another collection: limits of the one before say nothing of it."""
        return self.limits.emptied() | self.show(name, question)

    def _listed(self, listing: html.Listing, *, choosable: bool) -> Update:
        import gradio as gr

        end = listing.start + len(listing.rows)
        return {
            self.papers: html.papers_html(listing, choosable=choosable),
            self.account: html.account_html(listing),
            self.page: listing.start // html.PAGE,
            self.back: gr.update(visible=listing.start > 0),
            self.on: gr.update(visible=end < listing.total),
        }

    def _adding(self, chosen: Collection) -> Update:
        import gradio as gr

        if self.site.read_only:
            return {}
        target = self.site.receiving(chosen.name)
        where = html.receiving_html(target.name, other=target is not chosen) if target else ""
        return {
            self.receiving: where,
            self.remove: gr.update(visible=self._may_remove(chosen)),
            self.confirm: gr.update(visible=False),
        }

    def _may_remove(self, chosen: Collection) -> bool:
        return self.site.receiving(chosen.name) is chosen and not view.is_new(
            chosen.assistant.library
        )

    # --- adding -------------------------------------------------------------------------

    async def add(self, files: Sequence[str] | None, name: str) -> AsyncIterator[Update]:
        """Take in uploaded files, with progress; they are deleted whatever comes of it."""
        import gradio as gr

        target = self.site.receiving(name)
        if not files or target is None:
            view.discard(files or ())
            yield gr.skip()
            return
        library, before = target.assistant.library, self.jobs.get(target.name)
        if before and before.running:
            view.discard(files)
            yield {self.drop: None, self.progress: problem_html(BUSY)}
            return
        job = Job[IngestReport](lambda job: view.take_in(library, files, job), "papers")
        self.jobs[target.name] = job
        job.start()
        async for update in self._watch(job, target):
            yield update

    async def resume(self, name: str) -> AsyncIterator[Update]:
        """Show an ingest that is under way, whoever began it."""
        import gradio as gr

        target = self.site.receiving(name)
        job = self.jobs.get(target.name) if target else None
        if not (target and job and job.running):
            yield gr.skip()  # who yields nothing blanks every output
            return
        async for update in self._watch(job, target):
            yield update

    def give_up(self, name: str) -> None:
        """Stop the ingest after the papers in work."""
        target = self.site.receiving(name)
        if target and (job := self.jobs.get(target.name)):
            job.stop()

    async def _watch(self, job: Job[IngestReport], target: Collection) -> AsyncIterator[Update]:
        import gradio as gr

        yield {self.drop: gr.update(value=None, visible=False), self.stop: gr.update(visible=True)}
        async for progress in job.watch():
            yield {self.progress: progress_html(progress)}
        if job.result:
            said = html.ingested_html(job.result, target.name)
        elif job.stopped:
            said = html.stopped_html(job.progress.done, target.name)
        else:
            said = problem_html(without_path(job.problem, target.assistant.library.path))
        anew = {self.chosen: target.name, self.box: "", **self.turn_to(target.name, "")}
        yield {
            self.drop: gr.update(value=None, visible=True),
            self.stop: gr.update(visible=False),
            self.progress: said,
            **(anew if not job.problem else {}),
        }

    # --- removing -----------------------------------------------------------------------

    def ask(self, ids: str, name: str) -> Update:
        """Name the ticked papers and ask whether they are to go."""
        import gradio as gr

        library = self.site.assistant(name).library
        try:
            held = library.papers(texts_of(ids))
        except RagError as error:
            return self.leave() | {self.told: problem_html(_told(error, library))}
        if not held:
            return self.leave() | {self.told: remark_html(html.NOTHING_CHOSEN)}
        chosen = self.site.collection(name)
        return {
            self.question: html.confirm_html(list(held.values()), chosen.name),
            self.doomed: tuple(held),
            self.confirm: gr.update(visible=True),
            self.told: "",
        }

    def leave(self) -> Update:
        """Remove nothing."""
        import gradio as gr

        return {
            self.question: "",
            self.doomed: (),
            self.confirm: gr.update(visible=False),
            self.told: "",
        }

    def take_out(self, ids: Sequence[str], name: str, *given: Any) -> Update:
        """Remove the papers that were asked about."""
        chosen = self.site.collection(name)
        if not self._may_remove(chosen):
            return self.leave()
        try:
            removed = chosen.assistant.library.remove(ids).removed
        except RagError as error:
            told = problem_html(_told(error, chosen.assistant.library))
            return self.leave() | {self.told: told}
        told = remark_html(f"{counted(len(removed), 'paper')} removed.")
        return self.leave() | self.show(name, *given[:-1], page=given[-1]) | {self.told: told}


def _turn(show: Callable[..., Update], by: int) -> Callable[..., Update]:
    @wraps(show)
    def turn(*given: Any) -> Update:
        return show(*given[:-1], page=given[-1] + by)

    return turn


def _told(error: RagError, library: Library) -> str:
    if isinstance(error, StoreBusyError):
        return BUSY
    return without_path(str(error), library.path)
