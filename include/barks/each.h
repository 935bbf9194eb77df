/* Counting and repeating in macros, up to 32 times: BARKS_RECORD lists its fields with it. */
#pragma once
#pragma GCC system_header

/* __VA_OPT__ would be shorter, but C17 does not have it. */
#define BARKS_PASTE_(a, b) a##b
#define BARKS_PASTE(a, b) BARKS_PASTE_(a, b)
#define BARKS_TEXT_(...) #__VA_ARGS__
#define BARKS_TEXT(...) BARKS_TEXT_(__VA_ARGS__)

/* How many arguments: 1 to 32, or MANY_ for 33 to 64. */
#define BARKS_COUNT(...)                                                                           \
    BARKS_COUNT_(__VA_ARGS__, MANY_, MANY_, MANY_, MANY_, MANY_, MANY_, MANY_, MANY_, MANY_,       \
                 MANY_, MANY_, MANY_, MANY_, MANY_, MANY_, MANY_, MANY_, MANY_, MANY_, MANY_,      \
                 MANY_, MANY_, MANY_, MANY_, MANY_, MANY_, MANY_, MANY_, MANY_, MANY_, MANY_,      \
                 MANY_, 32, 31, 30, 29, 28, 27, 26, 25, 24, 23, 22, 21, 20, 19, 18, 17, 16, 15,    \
                 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0)
#define BARKS_COUNT_(_1, _2, _3, _4, _5, _6, _7, _8, _9, _10, _11, _12, _13, _14, _15, _16, _17,   \
                     _18, _19, _20, _21, _22, _23, _24, _25, _26, _27, _28, _29, _30, _31, _32,    \
                     _33, _34, _35, _36, _37, _38, _39, _40, _41, _42, _43, _44, _45, _46, _47,    \
                     _48, _49, _50, _51, _52, _53, _54, _55, _56, _57, _58, _59, _60, _61, _62,    \
                     _63, _64, count, ...)                                                         \
    count
/* ONE_ for one argument, SOME_ for two to 64. */
#define BARKS_ARITY(...)                                                                           \
    BARKS_COUNT_(__VA_ARGS__, SOME_, SOME_, SOME_, SOME_, SOME_, SOME_, SOME_, SOME_, SOME_,       \
                 SOME_, SOME_, SOME_, SOME_, SOME_, SOME_, SOME_, SOME_, SOME_, SOME_, SOME_,      \
                 SOME_, SOME_, SOME_, SOME_, SOME_, SOME_, SOME_, SOME_, SOME_, SOME_, SOME_,      \
                 SOME_, SOME_, SOME_, SOME_, SOME_, SOME_, SOME_, SOME_, SOME_, SOME_, SOME_,      \
                 SOME_, SOME_, SOME_, SOME_, SOME_, SOME_, SOME_, SOME_, SOME_, SOME_, SOME_,      \
                 SOME_, SOME_, SOME_, SOME_, SOME_, SOME_, SOME_, SOME_, SOME_, SOME_, ONE_, 0)

/* 1 where the argument begins with a parenthesis, else 0. */
#define BARKS_IS_PAIR(argument) BARKS_SECOND_(BARKS_IS_PAIR_ argument, 0, 0)
#define BARKS_IS_PAIR_(...) 0, 1
#define BARKS_SECOND_(...) BARKS_SECOND__(__VA_ARGS__)
#define BARKS_SECOND__(a, b, ...) b

/* BARKS_EACH(macro, context, a, b, ...): macro(context, a) macro(context, b) ... */
#define BARKS_EACH(macro, context, ...)                                                            \
    BARKS_PASTE(BARKS_EACH_, BARKS_COUNT(__VA_ARGS__))(macro, context, __VA_ARGS__)
#define BARKS_EACH_MANY_(macro, context, ...)
#define BARKS_EACH_1(macro, context, a) macro(context, a)
#define BARKS_EACH_2(macro, context, a, ...)                                                       \
    macro(context, a) BARKS_EACH_1(macro, context, __VA_ARGS__)
#define BARKS_EACH_3(macro, context, a, ...)                                                       \
    macro(context, a) BARKS_EACH_2(macro, context, __VA_ARGS__)
#define BARKS_EACH_4(macro, context, a, ...)                                                       \
    macro(context, a) BARKS_EACH_3(macro, context, __VA_ARGS__)
#define BARKS_EACH_5(macro, context, a, ...)                                                       \
    macro(context, a) BARKS_EACH_4(macro, context, __VA_ARGS__)
#define BARKS_EACH_6(macro, context, a, ...)                                                       \
    macro(context, a) BARKS_EACH_5(macro, context, __VA_ARGS__)
#define BARKS_EACH_7(macro, context, a, ...)                                                       \
    macro(context, a) BARKS_EACH_6(macro, context, __VA_ARGS__)
#define BARKS_EACH_8(macro, context, a, ...)                                                       \
    macro(context, a) BARKS_EACH_7(macro, context, __VA_ARGS__)
#define BARKS_EACH_9(macro, context, a, ...)                                                       \
    macro(context, a) BARKS_EACH_8(macro, context, __VA_ARGS__)
#define BARKS_EACH_10(macro, context, a, ...)                                                      \
    macro(context, a) BARKS_EACH_9(macro, context, __VA_ARGS__)
#define BARKS_EACH_11(macro, context, a, ...)                                                      \
    macro(context, a) BARKS_EACH_10(macro, context, __VA_ARGS__)
#define BARKS_EACH_12(macro, context, a, ...)                                                      \
    macro(context, a) BARKS_EACH_11(macro, context, __VA_ARGS__)
#define BARKS_EACH_13(macro, context, a, ...)                                                      \
    macro(context, a) BARKS_EACH_12(macro, context, __VA_ARGS__)
#define BARKS_EACH_14(macro, context, a, ...)                                                      \
    macro(context, a) BARKS_EACH_13(macro, context, __VA_ARGS__)
#define BARKS_EACH_15(macro, context, a, ...)                                                      \
    macro(context, a) BARKS_EACH_14(macro, context, __VA_ARGS__)
#define BARKS_EACH_16(macro, context, a, ...)                                                      \
    macro(context, a) BARKS_EACH_15(macro, context, __VA_ARGS__)
#define BARKS_EACH_17(macro, context, a, ...)                                                      \
    macro(context, a) BARKS_EACH_16(macro, context, __VA_ARGS__)
#define BARKS_EACH_18(macro, context, a, ...)                                                      \
    macro(context, a) BARKS_EACH_17(macro, context, __VA_ARGS__)
#define BARKS_EACH_19(macro, context, a, ...)                                                      \
    macro(context, a) BARKS_EACH_18(macro, context, __VA_ARGS__)
#define BARKS_EACH_20(macro, context, a, ...)                                                      \
    macro(context, a) BARKS_EACH_19(macro, context, __VA_ARGS__)
#define BARKS_EACH_21(macro, context, a, ...)                                                      \
    macro(context, a) BARKS_EACH_20(macro, context, __VA_ARGS__)
#define BARKS_EACH_22(macro, context, a, ...)                                                      \
    macro(context, a) BARKS_EACH_21(macro, context, __VA_ARGS__)
#define BARKS_EACH_23(macro, context, a, ...)                                                      \
    macro(context, a) BARKS_EACH_22(macro, context, __VA_ARGS__)
#define BARKS_EACH_24(macro, context, a, ...)                                                      \
    macro(context, a) BARKS_EACH_23(macro, context, __VA_ARGS__)
#define BARKS_EACH_25(macro, context, a, ...)                                                      \
    macro(context, a) BARKS_EACH_24(macro, context, __VA_ARGS__)
#define BARKS_EACH_26(macro, context, a, ...)                                                      \
    macro(context, a) BARKS_EACH_25(macro, context, __VA_ARGS__)
#define BARKS_EACH_27(macro, context, a, ...)                                                      \
    macro(context, a) BARKS_EACH_26(macro, context, __VA_ARGS__)
#define BARKS_EACH_28(macro, context, a, ...)                                                      \
    macro(context, a) BARKS_EACH_27(macro, context, __VA_ARGS__)
#define BARKS_EACH_29(macro, context, a, ...)                                                      \
    macro(context, a) BARKS_EACH_28(macro, context, __VA_ARGS__)
#define BARKS_EACH_30(macro, context, a, ...)                                                      \
    macro(context, a) BARKS_EACH_29(macro, context, __VA_ARGS__)
#define BARKS_EACH_31(macro, context, a, ...)                                                      \
    macro(context, a) BARKS_EACH_30(macro, context, __VA_ARGS__)
#define BARKS_EACH_32(macro, context, a, ...)                                                      \
    macro(context, a) BARKS_EACH_31(macro, context, __VA_ARGS__)
