"""The tab that checks a person's own paragraph against the papers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rag.assistant import MAX_DRAFT
from rag.errors import InputError
from rag.render import checked_to_markdown
from rag.session import read_text
from rag.types import CheckedDraft
from rag.web import check_html as html
from rag.web.jobs import Job
from rag.web.jobs_html import problem_html, progress_html, remark_html
from rag.web.library_view import discard, is_new
from rag.web.parts import shown
from rag.web.site import Site

if TYPE_CHECKING:
    from gradio.components import Component

AT_ONCE = 2
"""Texts checked at the same time; the others wait in the queue."""
_COPY = "() => navigator.clipboard.writeText(document.getElementById('check-markdown').textContent)"
_QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
Update = dict[Any, Any]


class CheckTab:
    """The components of the tab, laid out where it is made, and the wires between them.

    Args:
        site: whose collections are asked.
        chosen: the component whose value is the name of the collection to ask.
    """

    def __init__(self, site: Site, chosen: Component) -> None:
        import gradio as gr

        self.site, self.chosen = site, chosen
        with gr.Tab("Check my text", elem_id="check"):
            with gr.Column(elem_id="check-composer", min_width=0):
                self.box = gr.Textbox(
                    label="Your paragraph", lines=7, max_lines=24, max_length=MAX_DRAFT,
                    placeholder="Paste what you wrote", elem_id="draft",
                )  # fmt: skip
                with gr.Row(elem_id="check-buttons"):
                    self.send = gr.Button("Check", variant="primary", elem_id="check-send",
                                          min_width=0)  # fmt: skip
                    self.stop = gr.Button("Stop", visible=False, elem_id="check-stop", min_width=0)
                    self.copy = gr.Button("Copy as Markdown", visible=False, elem_id="check-copy",
                                          min_width=0)  # fmt: skip
                    if not site.read_only:
                        self.file = gr.UploadButton(
                            "Open a text file", file_types=[".txt", ".md"], elem_id="check-file",
                            min_width=0,
                        )  # fmt: skip
            self.result = shown(html.INVITATION, "check-result")

    def connect(self) -> None:
        """Say what each button does. Who closes the page ends the check."""
        outputs = [self.result, self.send, self.stop, self.copy]
        limits: dict[str, Any] = {"concurrency_id": "check", "concurrency_limit": AT_ONCE}
        asked = self.send.click(self.check, [self.box, self.chosen], outputs, **limits, **_QUIET)
        self.stop.click(self.give_up, None, outputs, cancels=[asked], **_QUIET)
        self.copy.click(None, None, None, js=_COPY, **_QUIET)
        if not self.site.read_only:
            self.file.upload(self.open, self.file, [self.box, self.result], **_QUIET)

    async def check(self, text: str, name: str) -> AsyncIterator[Update]:
        """Check the text sentence by sentence, with progress."""
        if not text.strip():
            yield {self.result: remark_html(html.NO_TEXT)}
            return
        if len(text) > MAX_DRAFT:
            yield {self.result: problem_html(f"At most {MAX_DRAFT:,} characters at a time.")}
            return
        assistant = self.site.assistant(name)
        if is_new(assistant.library):
            yield {self.result: remark_html(html.NO_PAPERS)}
            return
        job = Job[CheckedDraft](lambda job: assistant.check(text, job.tell), "sentences")
        job.start()
        try:
            async for progress in job.watch():
                yield self._buttons(busy=True) | {self.result: progress_html(progress)}
        finally:
            job.stop()
        if job.result:
            said = html.checked_html(job.result, checked_to_markdown(job.result))
        else:
            said = problem_html(job.problem)
        yield self._buttons(done=bool(job.result)) | {self.result: said}

    def give_up(self) -> Update:
        """What the stop button leaves."""
        return self._buttons() | {self.result: remark_html(html.STOPPED)}

    def open(self, file: str) -> Update:
        """Put the text of an uploaded file into the box."""
        try:
            text = read_text(Path(file))
        except InputError as error:
            told = str(error).replace(f"{Path(file).parent}/", "")
            return {self.result: problem_html(told)}
        finally:
            discard([file])
        if len(text) > MAX_DRAFT:
            return {self.result: problem_html(f"At most {MAX_DRAFT:,} characters at a time.")}
        return {self.box: text, self.result: html.INVITATION}

    def _buttons(self, *, busy: bool = False, done: bool = False) -> Update:
        import gradio as gr

        return {
            self.send: gr.update(visible=not busy),
            self.stop: gr.update(visible=busy),
            self.copy: gr.update(visible=done),
        }
