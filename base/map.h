/* Lists in macros: TD_MAP of parenthesised items, TD_LIST of names. */
#ifndef TAPEDECK_BASE_MAP_H
#define TAPEDECK_BASE_MAP_H

/* TD_MAP(f, (a, b), (c)) is f(a, b) f(c): applies f to each parenthesised item. TD_LIST(f, a, b) is f(a) f(b). At most 24 items. */
#define TD_MAP(f, ...) TD_OVER(TD_OVER_ITEM, f, __VA_ARGS__)
#define TD_LIST(f, ...) TD_OVER(TD_OVER_NAME, f, __VA_ARGS__)
#define TD_OVER_ITEM(f, a) f a
#define TD_OVER_NAME(f, a) f(a)
#define TD_OVER_0(s, f)
#define TD_OVER_1(s, f, a) s(f, a)
#define TD_OVER_2(s, f, a, ...) s(f, a) TD_OVER_1(s, f, __VA_ARGS__)
#define TD_OVER_3(s, f, a, ...) s(f, a) TD_OVER_2(s, f, __VA_ARGS__)
#define TD_OVER_4(s, f, a, ...) s(f, a) TD_OVER_3(s, f, __VA_ARGS__)
#define TD_OVER_5(s, f, a, ...) s(f, a) TD_OVER_4(s, f, __VA_ARGS__)
#define TD_OVER_6(s, f, a, ...) s(f, a) TD_OVER_5(s, f, __VA_ARGS__)
#define TD_OVER_7(s, f, a, ...) s(f, a) TD_OVER_6(s, f, __VA_ARGS__)
#define TD_OVER_8(s, f, a, ...) s(f, a) TD_OVER_7(s, f, __VA_ARGS__)
#define TD_OVER_9(s, f, a, ...) s(f, a) TD_OVER_8(s, f, __VA_ARGS__)
#define TD_OVER_10(s, f, a, ...) s(f, a) TD_OVER_9(s, f, __VA_ARGS__)
#define TD_OVER_11(s, f, a, ...) s(f, a) TD_OVER_10(s, f, __VA_ARGS__)
#define TD_OVER_12(s, f, a, ...) s(f, a) TD_OVER_11(s, f, __VA_ARGS__)
#define TD_OVER_13(s, f, a, ...) s(f, a) TD_OVER_12(s, f, __VA_ARGS__)
#define TD_OVER_14(s, f, a, ...) s(f, a) TD_OVER_13(s, f, __VA_ARGS__)
#define TD_OVER_15(s, f, a, ...) s(f, a) TD_OVER_14(s, f, __VA_ARGS__)
#define TD_OVER_16(s, f, a, ...) s(f, a) TD_OVER_15(s, f, __VA_ARGS__)
#define TD_OVER_17(s, f, a, ...) s(f, a) TD_OVER_16(s, f, __VA_ARGS__)
#define TD_OVER_18(s, f, a, ...) s(f, a) TD_OVER_17(s, f, __VA_ARGS__)
#define TD_OVER_19(s, f, a, ...) s(f, a) TD_OVER_18(s, f, __VA_ARGS__)
#define TD_OVER_20(s, f, a, ...) s(f, a) TD_OVER_19(s, f, __VA_ARGS__)
#define TD_OVER_21(s, f, a, ...) s(f, a) TD_OVER_20(s, f, __VA_ARGS__)
#define TD_OVER_22(s, f, a, ...) s(f, a) TD_OVER_21(s, f, __VA_ARGS__)
#define TD_OVER_23(s, f, a, ...) s(f, a) TD_OVER_22(s, f, __VA_ARGS__)
#define TD_OVER_24(s, f, a, ...) s(f, a) TD_OVER_23(s, f, __VA_ARGS__)
#define TD_OVER_PICK(_0, _1, _2, _3, _4, _5, _6, _7, _8, _9, _10, _11, _12, _13, _14, _15, _16, _17, _18, _19, _20, _21, _22, _23, \
                     _24, name, ...) name
#define TD_OVER(s, f, ...)                                                                                                       \
    TD_OVER_PICK(_0 __VA_OPT__(, ) __VA_ARGS__, TD_OVER_24, TD_OVER_23, TD_OVER_22, TD_OVER_21, TD_OVER_20, TD_OVER_19,          \
                 TD_OVER_18, TD_OVER_17, TD_OVER_16, TD_OVER_15, TD_OVER_14, TD_OVER_13, TD_OVER_12, TD_OVER_11, TD_OVER_10,     \
                 TD_OVER_9, TD_OVER_8, TD_OVER_7, TD_OVER_6, TD_OVER_5, TD_OVER_4, TD_OVER_3, TD_OVER_2, TD_OVER_1,              \
                 TD_OVER_0)                                                                                                      \
    (s, f __VA_OPT__(, ) __VA_ARGS__)

/* TD_EACH(a, b) is (a), (b): makes items for TD_MAP of plain names, at most 4. */
#define TD_EACH_0()
#define TD_EACH_1(a) (a)
#define TD_EACH_2(a, b) (a), (b)
#define TD_EACH_3(a, b, c) (a), (b), (c)
#define TD_EACH_4(a, b, c, d) (a), (b), (c), (d)
#define TD_EACH_PICK(_1, _2, _3, _4, name, ...) name
#define TD_EACH(...) TD_EACH_PICK(__VA_ARGS__ __VA_OPT__(, ) TD_EACH_4, TD_EACH_3, TD_EACH_2, TD_EACH_1, TD_EACH_0, )(__VA_ARGS__)

#endif
