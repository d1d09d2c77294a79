"""Runs on a Dask cluster."""

from fota_async.distributed.executor import DaskExecutor

__all__ = ["DaskExecutor"]
