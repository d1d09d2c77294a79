"""Ready-made consumers of `fota_async.events`: logs, metrics, traces.

The logger `fota_async` tells every event by itself. Metrics and traces are hooks:

    from fota_async.observe import OpenTelemetryTracing, PrometheusMetrics, fan_out

    fota = FotaClient.from_env(on_event=fan_out(PrometheusMetrics(), OpenTelemetryTracing()))

None of them tells a secret, a device or a target in a label, a span or its name.

>>> from fota_async.observe import OpenTelemetryTracing, fan_out
>>> hook = fan_out(OpenTelemetryTracing(), lambda event: print(type(event).__name__))
>>> async with FotaClient.from_env(environ=environ, on_event=hook) as client:
...     images = await client.v1.firmware.list()
RequestEvent
TokenEvent
RequestEvent
TokenEvent
RequestEvent
"""

from fota_async.observe.metrics import PrometheusMetrics
from fota_async.observe.sink import fan_out
from fota_async.observe.tracing import OpenTelemetryTracing

__all__ = ["OpenTelemetryTracing", "PrometheusMetrics", "fan_out"]
