"""The tab that measures how well the answers hold: run a set, read reports, compare them."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rag.errors import RagError
from rag.settings import Settings
from rag.web import evaluation_html as html
from rag.web import evaluations
from rag.web.jobs import Job
from rag.web.jobs_html import problem_html, progress_html, remark_html
from rag.web.parts import shown
from rag.web.site import Site

if TYPE_CHECKING:
    from gradio.components import Component

_EMBEDDED = "extractive"
_QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
Update = dict[Any, Any]


class EvaluationTab:
    """The components of the tab, laid out where it is made, and the wires between them.

    Args:
        site: where it is read-only, reports are shown and nothing is run.
        chosen: the component whose value is the name of the collection in use.
    """

    def __init__(self, site: Site, chosen: Component) -> None:
        import gradio as gr

        self.site, self.chosen = site, chosen
        self.job: Job[str] | None = None
        self._files = tempfile.TemporaryDirectory(prefix="footnote-")
        with gr.Tab("Evaluation", elem_id="evaluation") as self.tab:
            with gr.Column(elem_id="evaluating", min_width=0):
                shown(f"<p>{html.READ_ONLY}</p>" if site.read_only else html.INVITATION, "about")
                if not site.read_only:
                    self._lay_out_running()
            self.progress = shown("", "eval-progress")
            self._lay_out_reports()

    def _lay_out_running(self) -> None:
        import gradio as gr

        def box(label: str, choices: list[str], key: str) -> gr.Dropdown:
            return gr.Dropdown(
                choices, value=choices[0], label=label, filterable=False, min_width=0,
                elem_id=key, interactive=True,
            )  # fmt: skip

        writers = list(dict.fromkeys((_EMBEDDED, self.site.assistant().writer.name)))
        with gr.Row(elem_id="eval-boxes"):
            self.set = box("Questions", list(evaluations.question_sets()), "eval-set")
            self.split = box("Part", list(evaluations.SPLITS), "eval-split")
            self.sample = box("How many", list(evaluations.SAMPLES), "eval-sample")
            self.writer = box("Answered by", writers, "eval-writer")
            self.writer.visible = len(writers) > 1
            self.send = gr.Button("Run", variant="primary", elem_id="eval-run", min_width=0)
            self.stop = gr.Button("Stop", visible=False, elem_id="eval-stop", min_width=0)

    def _lay_out_reports(self) -> None:
        import gradio as gr

        with gr.Row(elem_id="eval-runs"):
            self.run = gr.Dropdown(
                [], value=None, label="Report", filterable=False, elem_id="eval-report",
                min_width=0, interactive=True,
            )  # fmt: skip
            self.other = gr.Dropdown(
                [], value=None, label="Compare with the earlier run", filterable=False,
                elem_id="eval-other", min_width=0, interactive=True,
            )  # fmt: skip
            self.page = gr.DownloadButton("Save as HTML", visible=False, elem_id="eval-html",
                                          min_width=0)  # fmt: skip
            self.document = gr.DownloadButton("Save as JSON", visible=False, elem_id="eval-json",
                                              min_width=0)  # fmt: skip
        self.comparison = shown("", "eval-comparison")
        self.report = shown(html.NO_RUNS, "eval-frame")

    # --- wires --------------------------------------------------------------------------

    def connect(self) -> None:
        """Say what each button does. Who closes the page that began a run ends it."""
        seen = [self.run, self.other, self.page, self.document, self.comparison, self.report]
        quiet: dict[str, Any] = _QUIET | {"concurrency_limit": 4, "concurrency_id": "reports"}
        self.tab.select(self.refresh, self.run, seen, **quiet)  # type: ignore[attr-defined]
        self.run.input(self.refresh, self.run, seen, **quiet)
        self.other.input(self.compare, [self.run, self.other], self.comparison, **quiet)
        if self.site.read_only:
            return
        waiting: dict[str, Any] = _QUIET | {"concurrency_limit": None}
        begun = [self.set, self.split, self.sample, self.writer, self.chosen]
        told = [self.progress, self.send, self.stop]
        self.send.click(self.evaluate, begun, [*told, *seen], **waiting)
        self.stop.click(self.give_up, None, None, **_QUIET)

    # --- running ------------------------------------------------------------------------

    async def evaluate(
        self, label: str, split: str, sample: str, writer: str, name: str
    ) -> AsyncIterator[Update]:
        """Run a set, with progress; then show its report."""
        import gradio as gr

        questions = evaluations.question_sets().get(label)
        if questions is None or (self.job and self.job.running):
            problem = html.RUNNING if questions else f"The set {label} is no longer there."
            yield {self.progress: problem_html(problem)}
            return
        choice = evaluations.Choice(
            questions, evaluations.SPLITS[split], evaluations.SAMPLES[sample]
        )
        settings = self._settings(writer, name)
        job = Job[str](lambda job: evaluations.evaluate(choice, settings, job), "preparing")
        self.job = job
        job.start()
        yield {self.send: gr.update(visible=False), self.stop: gr.update(visible=True)}
        try:
            async for progress in job.watch():
                yield {self.progress: progress_html(progress)}
        finally:
            job.stop()
        said = remark_html(html.STOPPED) if job.stopped else problem_html(job.problem)
        yield {
            self.progress: "" if job.result else said,
            self.send: gr.update(visible=True),
            self.stop: gr.update(visible=False),
            **(self.refresh(job.result) if job.result else {}),
        }

    def give_up(self) -> None:
        """Stop the run after the question in work."""
        if self.job:
            self.job.stop()

    def _settings(self, writer: str, name: str) -> Settings:
        """Those of ``rag eval``: a model answers only where the reader chose it."""
        settings = self.site.assistant(name).library.settings
        model = "" if writer == _EMBEDDED else settings.model
        told = {"model": model, "embedding": "minilm", "judge": settings.judge and bool(model)}
        return settings.model_copy(update=told)

    # --- reports ------------------------------------------------------------------------

    def refresh(self, name: str | None = None) -> Update:
        """The report ``name``, or the newest; the runs to choose from."""
        import gradio as gr

        runs = evaluations.earlier()
        choices = [(str(run), key) for key, run in runs.items()]
        run = runs.get(name or "") or next(iter(runs.values()), None)
        key = run.folder.name if run else None
        others = [(label, each) for label, each in choices if each != key]
        update = {
            self.run: gr.update(choices=choices, value=key),
            self.other: gr.update(choices=others, value=None),
            self.comparison: "",
        }
        if run is None:
            return update | {self.report: html.NO_RUNS}
        try:
            document = run.beside(".html").read_text(encoding="utf-8")
        except OSError:
            return update | {self.report: problem_html("This report cannot be read any more.")}
        return update | {
            self.report: html.frame_html(document, f"Report: {run}"),
            self.page: gr.update(value=self._handed(run, ".html"), visible=True),
            self.document: gr.update(value=self._handed(run, ".report.json"), visible=True),
        }

    def _handed(self, run: evaluations.Run, suffix: str) -> str:
        """A copy where Gradio hands files out from: it serves no other folder of this machine."""
        name = run.folder.name.replace(" ", "_")
        copy = Path(self._files.name, f"footnote-evaluation-{name}{suffix}")
        shutil.copyfile(run.beside(suffix), copy)
        return str(copy)

    def compare(self, name: str | None, other: str | None) -> str:
        """What changed from the run ``other`` to the run ``name``."""
        runs = evaluations.earlier()
        after, before = runs.get(name or ""), runs.get(other or "")
        if after is None or before is None:
            return ""
        try:
            return html.comparison_html(
                evaluations.compared(before, after), str(before), str(after)
            )
        except RagError as error:
            return problem_html(str(error))
