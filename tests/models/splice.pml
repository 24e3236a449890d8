/*
 * How a front follows a log: the channel is trusted with nothing, the log is the truth.
 *
 * A writer appends frames and publishes each; messages may be lost, doubled or late. Redis may lose the log's tail: then
 * either the writer appends the same bytes again (history 1), or a failover brought another attempt, whose bytes come to
 * stand at the same offsets (history 2). The tail shows what it may: a message that starts where the tail ends and chains
 * on, or what it reads from the log after its own last id was proven. A slow beat compares lengths.
 *
 * A frame is the number of its history. An id proves the whole prefix, which here comes to: the frame before is equal.
 *
 *   mechanisms, each can be taken away:  -DNO_OFFSET -DNO_CHAIN -DNO_REPAIR -DNO_PROOF -DNO_BEAT
 *   promises:  between two resets one history's range is shown (G1, G2), and in the end it is the log
 */
#define FRAMES 4
#define SHORTER 255

#ifdef NO_OFFSET
#define STARTS_HERE (seen < FRAMES)
#else
#define STARTS_HERE (start == seen)
#endif
#ifdef NO_CHAIN
#define CHAINS true
#else
#define CHAINS (prev == mine)
#endif
#ifdef NO_PROOF
#define PROVEN (stands != SHORTER)
#define RESET false
#else
#define PROVEN (stands == mine)
/* A log that is only shorter may grow again; once it is finished it will not. */
#define RESET (stands != mine && (stands != SHORTER || finished))
#endif

byte log[FRAMES];
byte length = 0;
byte shown[FRAMES];             /* what the reader saw since the last reset */
byte seen = 0;
byte branch = 0;                /* where history 2 leaves history 1 */
bool lost = false;              /* Redis has lost a tail: once is enough */
bool finished = false;

chan wire = [3] of { byte, byte, byte };        /* start, frame, the frame before it */

inline present(frame) {
  assert(seen < FRAMES);
  assert(seen == 0 || shown[seen - 1] == frame || (frame == 2 && seen == branch));
  shown[seen] = frame;
  seen++
}

/* Without repair nobody reads the log, neither for a message that does not fit nor for the beat. */
inline read_log() {
#ifndef NO_REPAIR
  mine = (seen > 0 -> shown[(seen > 0 -> seen - 1 : 0)] : 0);
  stands = (seen > length -> SHORTER : (seen == 0 -> 0 : log[(seen > 0 -> seen - 1 : 0)]));
  if
  :: RESET -> seen = 0; stands = 0; mine = 0
  :: else -> skip
  fi;
  if
  :: PROVEN ->
     do
     :: seen < length -> present(log[seen])
     :: seen >= length -> break
     od
  :: else -> skip
  fi
#else
  skip
#endif
}

active proctype writer() {
  byte history = 1, prev = 0;
  do
  :: atomic { length < FRAMES ->
       prev = (length > 0 -> log[(length > 0 -> length - 1 : 0)] : 0);
       log[length] = history;
       length++;
       if
       :: nfull(wire) -> wire!length - 1, history, prev
       :: true                                          /* lost */
       fi;
       if
       :: nfull(wire) -> wire!length - 1, history, prev /* doubled */
       :: true
       fi
     }
  :: atomic { !lost && length > 0 && length < FRAMES ->
       lost = true;
       length--;
       if
       :: length > 0 -> length--
       :: true
       fi;
       if
       :: history = 2; branch = length          /* another attempt goes on from here */
       :: true                                  /* the worker appends the same bytes again */
       fi
     }
  :: atomic { length == FRAMES -> finished = true; break }
  od
}

active proctype tail() {
  byte start, frame, prev, mine, stands, i = 0;
  do
  :: atomic { wire?start, frame, prev ->
       mine = (seen > 0 -> shown[(seen > 0 -> seen - 1 : 0)] : 0);
       if
       :: STARTS_HERE && CHAINS -> present(frame)
       :: else -> read_log()
       fi
     }
  :: atomic { finished && empty(wire) ->
#ifndef NO_BEAT
       read_log();
#endif
       break
     }
  od;
  assert(seen == length);
  do
  :: i < length -> assert(shown[i] == log[i]); i++
  :: i >= length -> break
  od
}
