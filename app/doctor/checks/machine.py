"""What this machine lets a process have."""

from __future__ import annotations

import resource

from app.doctor.finding import Finding, ok, warning
from app.doctor.patient import Patient
from app.http.connection.crowd import room_for


async def descriptors(patient: Patient) -> list[Finding]:
    wanted = patient.settings.connections_max
    room, (_, hard) = room_for(wanted), resource.getrlimit(resource.RLIMIT_NOFILE)
    if room < wanted:
        return [
            warning(
                f"{hard} file descriptors allow a front {room} connections, not the {wanted} of the settings",
                "raise the limit (ulimit -n, LimitNOFILE), or lower KEEPSTREAM_CONNECTIONS_MAX",
            )
        ]
    return [ok(f"enough for {wanted} connections")]
