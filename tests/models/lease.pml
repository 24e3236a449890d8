/*
 * Who may write a stream: leases expire, workers stall, die and come back, replies get lost, a failover counts twice.
 *
 * Each worker claims (the queue's side raises the fence), begins (the log's side takes the fence), appends frames of its
 * attempt and one ending, then is done. A claim may expire at any moment, however alive its holder is. An append whose
 * reply was lost is sent again. A failover may make the queue forget the newest claim, so that its number is given out
 * a second time.
 *
 *   mechanisms, each can be taken away:  -DNO_FENCE -DNO_HOLDER -DNO_IDEMPOTENT -DNO_RESET -DNO_DONE_FENCE
 *   promises:  between two resets one attempt's frames, each once and in order (G1); exactly one ending, nothing after it
 *              (G3, G4); who was replaced neither appends, ends nor takes the job away (G4)
 */
#define WORKERS 2
#define CLAIMS 3                /* claims in all; the last holder is not disturbed any more */
#define FRAMES 2                /* frames of an attempt, before its ending */

#define NOBODY 255

#ifdef NO_FENCE
#define MAY_WRITE true
#else
#ifdef NO_HOLDER
#define MAY_WRITE (mine >= fence)
#else
#define MAY_WRITE (mine > fence || (mine == fence && holder == claim))
#endif
#endif
#ifdef NO_RESET
#define RESET skip
#else
#define RESET count = 0
#endif
#ifdef NO_DONE_FENCE
#define MAY_FINISH true
#else
#define MAY_FINISH (lease == claim)
#endif

byte counter = 0;               /* the fence's counter */
byte claims = 0;                /* names of claims: never given out twice */
bool queued = true;
byte lease = NOBODY;            /* the claim that holds the lease */
bool forgotten = false;         /* the failover has happened */

byte fence = 0;                 /* the log's side */
byte holder = NOBODY;
byte author = NOBODY;           /* whose attempt the log's end is */
byte count = 0;                 /* frames since the last reset */
byte length = 0;
byte endings = 0;
bool removed = false;           /* lease and job are gone */

active [WORKERS] proctype worker() {
  byte mine, claim, sent, at;
claiming:
  do
  :: atomic { queued && claims < CLAIMS ->
       queued = false; counter++; mine = counter; claim = claims; claims++; lease = claim; sent = 0
     }
     /* begin: the log's side takes a higher fence and refuses a lower one */
     atomic {
       if
       :: MAY_WRITE || mine > fence ->
          if
          :: mine > fence || holder == NOBODY -> fence = mine; holder = claim
          :: else
          fi;
          if
          :: endings > 0 -> goto done
          :: endings == 0 && length == 0 -> author = claim             /* nothing to forget */
          :: endings == 0 && length > 0 -> author = claim; RESET; length++     /* relay.reset */
          fi;
          at = length
       :: else -> goto claiming
       fi
     }
     do
     :: atomic { sent <= FRAMES ->
appending:
          if
          :: !MAY_WRITE -> goto claiming
          :: MAY_WRITE && length == at && endings == 0 ->
             assert(author == claim);                     /* G1: one attempt */
             assert(count == sent);                       /* each once, in order */
             length++;
             if
             :: sent < FRAMES -> count++
             :: else -> endings++; assert(endings == 1)   /* G3 */
             fi;
             if
             :: sent++; at++                              /* the reply came */
             :: goto again                                /* it was lost: send the same again */
             fi
          :: MAY_WRITE && length == at && endings > 0 -> assert(false)    /* G4 */
          :: MAY_WRITE && length != at -> goto claiming
          fi
        }
     :: atomic { sent > FRAMES -> break }
     od;
     goto done;
again:
     atomic {
#ifndef NO_IDEMPOTENT
       /* what stands at `at` is what was sent: recognised before anything else is looked at */
       sent++; at++;
#else
       at = length;
       if
       :: MAY_WRITE ->
          assert(count == sent && endings == 0);
          length++; sent++; at = length
       :: else -> goto claiming
       fi;
#endif
       if
       :: sent <= FRAMES -> goto appending
       :: else
       fi
     }
done:
     atomic {
       if
       :: MAY_FINISH ->
          assert(lease == claim || lease == NOBODY || removed);  /* G4: only the newest takes the job away */
          assert(endings == 1);                                   /* G3 */
          lease = NOBODY; queued = false; removed = true
       :: else
       fi
     }
  :: atomic { removed || claims == CLAIMS -> break }
  od
}

/* Time: any lease but the last may expire, whatever its holder is doing; a failover forgets one claim. */
active proctype clock() {
  do
  :: atomic { lease != NOBODY && claims < CLAIMS -> lease = NOBODY; queued = true }
  :: atomic { lease != NOBODY && claims < CLAIMS && !forgotten -> forgotten = true; lease = NOBODY; queued = true; counter-- }
  :: atomic { removed || claims == CLAIMS -> break }
  od
}
