"""Traces: what happens to a stream as spans of OpenTelemetry's, sent to where its own variables say.

The rule: off unless an OTLP endpoint is set, and then nothing of OpenTelemetry's is loaded; on, nothing that happens to
a span touches a stream. The core knows `carried` alone, which is text.
"""
