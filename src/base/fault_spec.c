/* Reads BARKS_FAULT:
 *
 *     FAULT[;FAULT...]        FAULT = ACTION[:KEY=VALUE[,KEY=VALUE...]]
 *
 * ACTION is a row of `actions`, KEY one of `keys`, a call one of FAULT_CALLS or FAULT_FUNCTIONS, a
 * point one of FAULT_POINTS. Nothing here allocates, but for the error. */
#include "base/fault_spec.h"

#include "base/units.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

enum { WORD_BYTES = 64 };

#define CALL_ENUMERATOR(name, ...) CALL_##name,
enum { FAULT_CALLS(CALL_ENUMERATOR) };

#define CALL_NAME(name, spelling, error) spelling,
static const char *const call_names[] = {FAULT_CALLS(CALL_NAME)};
#define CALL_ERROR(name, spelling, error) error,
static const int call_errors[] = {FAULT_CALLS(CALL_ERROR)};
#define FUNCTION_NAME(name, call) #name,
const char *const fault_function_names[] = {FAULT_FUNCTIONS(FUNCTION_NAME)};
#define FUNCTION_CALL(name, call) CALL_##call,
static const unsigned function_calls[] = {FAULT_FUNCTIONS(FUNCTION_CALL)};
#define POINT_NAME(name, spelling, when) spelling,
const char *const fault_point_names[] = {FAULT_POINTS(POINT_NAME)};
#define POINT_WHEN(name, spelling, when) when,
static const char *const point_texts[] = {FAULT_POINTS(POINT_WHEN)};

#define LENGTH(array) ((unsigned)(sizeof(array) / sizeof((array)[0])))
_Static_assert(LENGTH(function_calls) <= 64, "a fault has a bit for each function");

unsigned fault_call_of(unsigned function) { return function_calls[function]; }
unsigned fault_function_count(void) { return LENGTH(function_calls); }
unsigned fault_point_count(void) { return LENGTH(point_texts); }
unsigned fault_call_count(void) { return LENGTH(call_names); }
const char *fault_call_name(unsigned call) { return call_names[call]; }
int fault_usual_error(unsigned function) { return call_errors[function_calls[function]]; }

enum key {
    KEY_CALL = 1 << 0,
    KEY_AT = 1 << 1,
    KEY_N = 1 << 2,
    KEY_ONE_IN = 1 << 3,
    KEY_SEED = 1 << 4,
    KEY_ERROR = 1 << 5,
    KEY_RANK = 1 << 6,
    KEY_EXECUTOR = 1 << 7,
    KEY_TO = 1 << 8,
    KEY_SIGNAL = 1 << 9,
    KEY_FOR = 1 << 10,
    KEY_FACTOR = 1 << 11,
};

static const struct {
    const char *name;
    unsigned key;
    const char *text;
} keys[] = {
    {"call", KEY_CALL, "calls or functions, joined by +, or any"},
    {"at", KEY_AT, "a point, or point:n, the n-th time that it is passed"},
    {"n", KEY_N, "strike the n-th time (1); n+: from then on"},
    {"one_in", KEY_ONE_IN, "strike by lot, one time in so many"},
    {"seed", KEY_SEED, "of that lot (0)"},
    {"error", KEY_ERROR, "an errno such as ENOSPC (that which is usual for the call)"},
    {"rank", KEY_RANK, "only on this rank; 0 is the driver (any)"},
    {"executor", KEY_EXECUTOR, "only on this executor, from 1: another word for rank"},
    {"to", KEY_TO, "only messages to this rank (any)"},
    {"signal", KEY_SIGNAL, "KILL, TERM, SEGV, BUS, FPE, ILL, ABRT or STOP (KILL)"},
    {"for", KEY_FOR, "a duration, as 200ms"},
    {"factor", KEY_FACTOR, "how many times slower"},
};

#define WHEN_KEYS (KEY_N | KEY_ONE_IN | KEY_SEED | KEY_RANK | KEY_EXECUTOR)

static const struct {
    const char *name;
    enum fault_action action;
    unsigned needed, allowed;
    const char *text;
} actions[] = {
    {"fail", ACTION_FAIL, KEY_CALL, WHEN_KEYS | KEY_ERROR | KEY_TO, "a call fails"},
    {"short", ACTION_SHORT, KEY_CALL, WHEN_KEYS, "a read or write moves half of its bytes"},
    {"spoil", ACTION_SPOIL, KEY_CALL, WHEN_KEYS, "a read or write changes a byte"},
    {"drop", ACTION_DROP, KEY_N, WHEN_KEYS | KEY_TO, "a control message is lost"},
    {"delay", ACTION_DELAY, KEY_FOR, WHEN_KEYS | KEY_TO,
     "a control message, and what is sent after it to the same rank, is held back"},
    {"kill", ACTION_KILL, KEY_AT, KEY_RANK | KEY_EXECUTOR | KEY_SIGNAL,
     "the process gets a signal at a point"},
    {"stall", ACTION_STALL, KEY_AT, KEY_RANK | KEY_EXECUTOR | KEY_FOR,
     "the thread stands still at a point, for ever where nothing is said"},
    {"slow", ACTION_SLOW, KEY_FACTOR, KEY_RANK | KEY_EXECUTOR, "partitions take longer"},
    {"count", ACTION_COUNT, 0, 0, "calls and points are counted, and told at the end"},
};

static const struct {
    const char *name;
    int number;
} errors[] = {{"EACCES", EACCES}, {"EAGAIN", EAGAIN}, {"EDQUOT", EDQUOT}, {"EINTR", EINTR},
              {"EINVAL", EINVAL}, {"EIO", EIO},       {"EMFILE", EMFILE}, {"ENOENT", ENOENT},
              {"ENOMEM", ENOMEM}, {"ENOSPC", ENOSPC}, {"EROFS", EROFS},   {"ESTALE", ESTALE}},
  signals[] = {{"KILL", SIGKILL}, {"TERM", SIGTERM}, {"SEGV", SIGSEGV}, {"BUS", SIGBUS},
               {"FPE", SIGFPE},   {"ILL", SIGILL},   {"ABRT", SIGABRT}, {"STOP", SIGSTOP}};

/* What a value of a key may be read from; it knows how errors are worded. */
struct value {
    char text[WORD_BYTES];
    const char *key;
    const char *origin;
};

BARKS_CHECKED static barks_status *fail_value(const struct value *value, const char *wanted)
{
    BARKS_FAIL(BARKS_INVALID, "%s: '%s=%s' is no fault: it must be %s; BARKS_FAULT=help lists all",
               value->origin, value->key, value->text, wanted);
}

BARKS_CHECKED static barks_status *read_number(const struct value *value, uint64_t least,
                                               uint64_t most, uint64_t *out)
{
    char *end = NULL;
    errno = 0;
    unsigned long long number = strtoull(value->text, &end, 10);
    if (value->text[0] < '0' || value->text[0] > '9' || *end != '\0' || errno != 0 ||
        number < least || number > most) {
        char wanted[WORD_BYTES];
        snprintf(wanted, sizeof wanted, "a number of at least %llu", (unsigned long long)least);
        return fail_value(value, wanted);
    }
    *out = number;
    return NULL;
}

static int find_name(const char *const *names, unsigned count, const char *name)
{
    for (unsigned i = 0; i < count; i++)
        if (strcmp(names[i], name) == 0)
            return (int)i;
    return -1;
}

/* The functions of a call, or one alone, as bits; 0: there is no such name. */
static uint64_t functions_named(const char *name)
{
    uint64_t functions = 0;
    int call = find_name(call_names, LENGTH(call_names), name);
    int function = find_name(fault_function_names, fault_function_count(), name);
    bool is_any = strcmp(name, "any") == 0;
    for (unsigned i = 0; i < fault_function_count(); i++)
        if (is_any || (call >= 0 ? (int)function_calls[i] == call : (int)i == function))
            functions |= UINT64_C(1) << i;
    return functions;
}

BARKS_CHECKED static barks_status *read_calls(struct value *value, struct fault *out)
{
    char names[WORD_BYTES];
    memcpy(names, value->text, sizeof names);
    for (char *name = names, *plus; name != NULL; name = plus) {
        plus = strchr(name, '+');
        if (plus != NULL)
            *plus++ = '\0';
        uint64_t functions = functions_named(name);
        if (functions == 0)
            return fail_value(value, "calls or functions, joined by +, or any");
        out->functions |= functions;
    }
    return NULL;
}

BARKS_CHECKED static barks_status *read_first(struct value *value, struct fault *out)
{
    size_t length = strlen(value->text);
    out->goes_on = length > 0 && value->text[length - 1] == '+';
    if (out->goes_on)
        value->text[length - 1] = '\0';
    return read_number(value, 1, UINT64_MAX, &out->first);
}

BARKS_CHECKED static barks_status *read_point(struct value *value, struct fault *out)
{
    char *colon = strchr(value->text, ':');
    if (colon != NULL)
        *colon = '\0';
    out->point = find_name(fault_point_names, fault_point_count(), value->text);
    if (out->point < 0)
        return fail_value(value, "a point of the protocol");
    if (colon == NULL)
        return NULL;
    memmove(value->text, colon + 1, strlen(colon + 1) + 1);
    return read_number(value, 1, UINT64_MAX, &out->first);
}

BARKS_CHECKED static barks_status *read_rank(const struct value *value, uint64_t least, int *out)
{
    uint64_t number = 0;
    BARKS_TRY(read_number(value, least, INT_MAX, &number));
    *out = (int)number;
    return NULL;
}

BARKS_CHECKED static barks_status *read_value(unsigned key, struct value *value, struct fault *out)
{
    switch ((enum key)key) {
    case KEY_CALL:
        return read_calls(value, out);
    case KEY_AT:
        return read_point(value, out);
    case KEY_N:
        return read_first(value, out);
    case KEY_ONE_IN:
        return read_number(value, 1, UINT64_MAX, &out->one_in);
    case KEY_SEED:
        return read_number(value, 0, UINT64_MAX, &out->seed);
    case KEY_RANK:
        return read_rank(value, 0, &out->rank);
    case KEY_EXECUTOR:
        return read_rank(value, 1, &out->rank);
    case KEY_TO:
        return read_rank(value, 0, &out->to);
    case KEY_FACTOR:
        return read_number(value, 1, 1000, &out->factor);
    case KEY_FOR:
        return units_parse_duration(value->text, &out->duration_ns) && out->duration_ns > 0
                   ? NULL
                   : fail_value(value, "a duration, as 200ms");
    case KEY_ERROR:
        for (unsigned i = 0; i < LENGTH(errors); i++)
            if (strcmp(errors[i].name, value->text) == 0)
                out->error = errors[i].number;
        return out->error != 0 ? NULL : fail_value(value, "an errno such as EIO or ENOSPC");
    case KEY_SIGNAL:
        out->signal_number = 0;
        for (unsigned i = 0; i < LENGTH(signals); i++)
            if (strcmp(signals[i].name, value->text) == 0)
                out->signal_number = signals[i].number;
        return out->signal_number != 0 ? NULL : fail_value(value, "a signal such as KILL or SEGV");
    }
    return NULL;
}

/* One "key=value" of an action; *given notes it. */
BARKS_CHECKED static barks_status *read_pair(unsigned action, const char *text, size_t length,
                                             const char *origin, unsigned *given, struct fault *out)
{
    const char *equals = memchr(text, '=', length);
    size_t name_length = equals != NULL ? (size_t)(equals - text) : length;
    unsigned allowed = actions[action].needed | actions[action].allowed;
    for (unsigned i = 0; i < LENGTH(keys) && equals != NULL; i++) {
        if (strlen(keys[i].name) != name_length || memcmp(keys[i].name, text, name_length) != 0 ||
            (allowed & keys[i].key) == 0)
            continue;
        struct value value = {.key = keys[i].name, .origin = origin};
        size_t value_length = length - name_length - 1;
        if (value_length >= sizeof value.text)
            value_length = sizeof value.text - 1; /* no value is so long, and this one is told */
        memcpy(value.text, equals + 1, value_length);
        *given |= keys[i].key;
        return read_value(keys[i].key, &value, out);
    }
    char known[256] = "";
    for (unsigned i = 0; i < LENGTH(keys); i++)
        if ((allowed & keys[i].key) != 0)
            snprintf(known + strlen(known), sizeof known - strlen(known), " %s", keys[i].name);
    BARKS_FAIL(BARKS_INVALID,
               "%s: '%.*s' says nothing of '%s', which knows%s; BARKS_FAULT=help "
               "lists all",
               origin, (int)(length < WORD_BYTES ? length : WORD_BYTES), text, actions[action].name,
               known[0] != '\0' ? known : " nothing");
}

BARKS_CHECKED static barks_status *read_pairs(unsigned action, const char *text, size_t length,
                                              const char *origin, struct fault *out)
{
    unsigned given = 0;
    while (length > 0) {
        const char *comma = memchr(text, ',', length);
        size_t pair_length = comma != NULL ? (size_t)(comma - text) : length;
        BARKS_TRY(read_pair(action, text, pair_length, origin, &given, out));
        pair_length += comma != NULL;
        text += pair_length;
        length -= pair_length;
    }
    unsigned missing = actions[action].needed & ~given;
    /* Messages are dropped or delayed by number or by lot. */
    if ((given & KEY_ONE_IN) != 0)
        missing &= ~(unsigned)KEY_N;
    for (unsigned i = 0; i < LENGTH(keys); i++)
        if ((missing & keys[i].key) != 0)
            BARKS_FAIL(BARKS_INVALID, "%s: '%s' needs %s=..., %s; BARKS_FAULT=help lists all",
                       origin, actions[action].name, keys[i].name, keys[i].text);
    return NULL;
}

barks_status *fault_parse(const char *text, size_t length, const char *origin,
                          struct fault *out_fault)
{
    const char *colon = memchr(text, ':', length);
    size_t name_length = colon != NULL ? (size_t)(colon - text) : length;
    for (unsigned i = 0; i < LENGTH(actions); i++) {
        if (strlen(actions[i].name) != name_length ||
            memcmp(actions[i].name, text, name_length) != 0)
            continue;
        *out_fault = (struct fault){.action = actions[i].action,
                                    .point = -1,
                                    .first = 1,
                                    .rank = -1,
                                    .to = -1,
                                    .signal_number = SIGKILL,
                                    .factor = 1};
        if (actions[i].action == ACTION_DROP || actions[i].action == ACTION_DELAY)
            out_fault->functions = UINT64_C(1) << FAULT_message;
        size_t head = name_length + (colon != NULL);
        return read_pairs(i, text + head, length - head, origin, out_fault);
    }
    char known[128] = "";
    for (unsigned i = 0; i < LENGTH(actions); i++)
        snprintf(known + strlen(known), sizeof known - strlen(known), "%s%s", i > 0 ? ", " : "",
                 actions[i].name);
    BARKS_FAIL(BARKS_INVALID,
               "%s: '%.*s' is no fault: it begins with one of %s; BARKS_FAULT=help "
               "lists all",
               origin, (int)(name_length < WORD_BYTES ? name_length : WORD_BYTES), text, known);
}

void faults_write_help(FILE *out)
{
    fputs("BARKS_FAULT=FAULT[;FAULT...], where a FAULT is ACTION:KEY=VALUE[,KEY=VALUE...]\n\n"
          "action  what happens                                                    keys\n",
          out);
    for (unsigned i = 0; i < LENGTH(actions); i++) {
        fprintf(out, "%-6s  %s:", actions[i].name, actions[i].text);
        for (unsigned k = 0; k < LENGTH(keys); k++)
            if (((actions[i].needed | actions[i].allowed) & keys[k].key) != 0)
                fprintf(out, " %s%s", keys[k].name,
                        (actions[i].needed & keys[k].key) != 0 ? "!" : "");
        fputc('\n', out);
    }
    fputs("\nkey       value (where it is not given); ! above: it must be\n", out);
    for (unsigned i = 0; i < LENGTH(keys); i++)
        fprintf(out, "%-8s  %s\n", keys[i].name, keys[i].text);
    fputs("\ncall        functions\n", out);
    for (unsigned call = 0; call < LENGTH(call_names); call++) {
        fprintf(out, "%-10s ", call_names[call]);
        for (unsigned i = 0; i < fault_function_count(); i++)
            if (function_calls[i] == call)
                fprintf(out, " %s", fault_function_names[i]);
        fputc('\n', out);
    }
    fputs("\npoint             who passes it, and when\n", out);
    for (unsigned i = 0; i < fault_point_count(); i++)
        fprintf(out, "%-16s  %s\n", fault_point_names[i], point_texts[i]);
}
