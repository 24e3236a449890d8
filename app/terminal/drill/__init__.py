"""`keepstream drill`: streams through one's own deployment, while parts of it are killed, drained and stopped.

    drill, drill_options   the command          waves    streams, their readers, and what is done meanwhile
    means       how a part is reached           deeds       what is done to it, and how it is undone
    doing       does it, and puts it back       guard       a process that undoes it though the drill dies
    actions     a command, a signal             reader_story, guarantees  pure: what was promised, and whether it held
    concluding  a verdict for people and for programs

The rule: it knows a deployment by its HTTP alone, believes nothing that it can compare, does nothing that it has not
shown before, leaves nothing stopped behind, and nobody pays for it who did not say so.
"""
