"""The jobs of the document exchange that need more than one of its parts."""

from docex.jobs.delivery import begin_jobs, register_jobs

__all__ = ["begin_jobs", "register_jobs"]
