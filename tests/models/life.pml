/*
 * The life of one stream, by the very table that the code decides from (app/stream/stages.py): its rows are generated into
 * life_ways.pml, one option each. What stands here is the world around it: when a cause may come, when a condition holds.
 *
 * A way out of a stage is gone if its cause comes, its condition holds, and that of no earlier row for the same cause does.
 * What comes from outside (a drain, a lost worker, a refusal, a gate that holds) comes DISTURBANCES times at the most.
 *
 *   promises:  exactly one ending and nothing after it (G3, G4); no more attempts than there may be; none for a hand-over,
 *              for a call that was not taken, or for a worker that stood still; given up only after that many failures;
 *              no call while something stands that readers were not told to forget (G1); completed only with content (G6)
 *              a message that does not fit is mended as often as it may be, and no failure is made of it
 *              no tool runs before its turn's message is whole, no turn begins before all results are there, and each turn has
 *              attempts of its own
 *              a life in which nobody cancels, nothing expires and we make no fault comes to its ending by itself (G3)
 */
#include "life_names.pml"

#define ATTEMPTS 2
#define DISTURBANCES 3
#define TURNS_MOST 2
#define MENDED_MOST 1

byte stage = WAITING;
short charged = 0;              /* attempts that count */
short before = 0;               /* those that counted before the call under way */
byte times = 1;                 /* claims, but for those that were given back */
byte harm = 0;                  /* calls that failed, workers that were lost */
byte stalls = 0;
byte disturbances = 0;
byte endings = 0;
bool called = false;
bool content = false;           /* something stands that the next call's readers must not be shown */
bool keeps = false;             /* on_interrupt is fail */
bool ends = false;              /* somebody may cancel it, and so on */
byte turn = 1;
byte mended = 0;                /* whole messages that did not fit */
bool due = false;               /* the turn's message is whole, and its results are awaited */
bool worker_lost = false;       /* the last loss was that of a worker */

#define DISTURBED (disturbances < DISTURBANCES)

#define CAN_BEGIN true
#define CAN_STOOD_STILL (DISTURBED && worker_lost)
#define CAN_MISPLACED DISTURBED
#define CAN_TURN true
#define CAN_HOLD DISTURBED
#define CAN_REFUSAL DISTURBED
#define CAN_CONTENT true
#define CAN_MESSAGE true
#define CAN_INVALID true
#define CAN_RESULTS due
#define CAN_PERSON (due && DISTURBED)
#define CAN_FAILURE true
#define CAN_DRAIN DISTURBED
#define CAN_WORKER_LOST DISTURBED
#define CAN_LOG_LOST DISTURBED
#define CAN_CANCEL ends
#define CAN_EXPIRY ends
#define CAN_FULL ends
#define CAN_BUDGET ends
#define CAN_FAULT ends

#define IF_KEPT (content && keeps)
#define IF_SEEN content
#define IF_CALLED called
#define IF_SPENT (charged >= ATTEMPTS || times > ATTEMPTS)
#define IF_SPARED (charged > 0 && stalls < ATTEMPTS)
#define IF_LASTING true         /* whether a failure lasts is the upstream's to say */
#define IF_CALLS true           /* whether a message calls tools is the model's to say */
#define IF_DUE due
#define IF_BROKEN (due && ends) /* whether one may run twice is its own to say */
#define IF_THEIRS ends
#define IF_TURNS (turn >= TURNS_MOST)
#define IF_MENDED (mended >= MENDED_MOST)
#define UNLESS_KEPT !(IF_KEPT)
#define UNLESS_SEEN !(IF_SEEN)
#define UNLESS_CALLED !(IF_CALLED)
#define UNLESS_SPENT !(IF_SPENT)
#define UNLESS_SPARED !(IF_SPARED)
#define UNLESS_LASTING true
#define UNLESS_CALLS true
#define UNLESS_DUE !(IF_DUE)
#define UNLESS_BROKEN true
#define UNLESS_THEIRS true
#define UNLESS_TURNS !(IF_TURNS)
#define UNLESS_MENDED !(IF_MENDED)

byte cause, to, when, tells;    /* of the way that is gone */
short charge;
bool frees;

active proctype life() {
  if
  :: keeps = true
  :: keeps = false
  fi;
  if
  :: ends = true
  :: ends = false
  fi;
  do
  :: atomic {                   /* a holder is lost before it has begun: all is as it was */
       DISTURBED && (stage == WAITING || stage == HELD || stage == HANDED_OVER || stage == LOST ||
                     stage == WAITING_FOR_PERSON) ->
       disturbances++; harm++; times++
     }
  :: atomic {
       if
#include "life_ways.pml"
       :: else -> assert(stage == ENDED); break                 /* something leads on from everywhere else */
       fi;
       assert(endings == 0 && stage != ENDED);                  /* nothing after the ending */
       if
       :: cause == TURN ->
          assert(!content);                                     /* or two answers would be glued into one */
          assert(!due);                                         /* the model has to be told the results first */
          called = true
       :: cause == CONTENT_CAUSE -> content = true
       :: cause == MESSAGE ->
          assert(content);
          if
          :: to == TOOLS -> assert(!due); due = true; content = false; called = false
          :: else
          fi
       :: cause == INVALID ->
          assert(content);
          if
          :: to == BETWEEN -> mended++
          :: else -> assert(mended == MENDED_MOST)              /* it was mended as often as it may be */
          fi
       :: cause == RESULTS -> assert(due); due = false; turn++
       :: cause == FAILURE -> harm++
       :: cause == WORKER_LOST -> harm++; times++; worker_lost = true
       :: cause == LOG_LOST -> harm++; worker_lost = false
       :: cause == STOOD_STILL -> harm--; times--; stalls++; worker_lost = false
       :: else
       fi;
       if
       :: tells == RELAY_RESET -> content = false
       :: tells == RELAY_RETRY -> assert(!content)              /* there is nothing to forget */
       :: else
       fi;
       if
       :: cause == HOLD || cause == MISPLACED || cause == PERSON || cause == REFUSAL || cause == DRAIN || cause == WORKER_LOST || cause == LOG_LOST ->
          disturbances++
       :: else
       fi;
       charged = charged + charge;
       if
       :: frees -> charged = 0; harm = 0; times = 1             /* what led to a whole turn counts no more */
       :: else
       fi;
       assert(charged <= ATTEMPTS);
       if
       :: cause == REFUSAL || (cause == DRAIN && to == HANDED_OVER) || (cause == INVALID && to == BETWEEN) ->
          assert(charged == before)                             /* they are free */
       :: else
       fi;
       stage = to;
       assert((stage != TOOLS && stage != WAITING_FOR_PERSON) || (due && !content));
       if
       :: stage == ENDED ->
          endings++;
          assert(endings == 1);
          assert(when != SPENT || harm >= ATTEMPTS)             /* it was tried as often as it may be */
       :: stage == CALLING || stage == CONTENT
       :: else -> before = charged
       fi
     }
  od
}
