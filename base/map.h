/* A list of parenthesised items in a macro: TD_MAP. */
#ifndef TAPEDECK_BASE_MAP_H
#define TAPEDECK_BASE_MAP_H

/* TD_MAP(f, (a, b), (c)) is f(a, b) f(c): applies f to each parenthesised item, at most 16. */
#define TD_MAP_0(f)
#define TD_MAP_1(f, a) f a
#define TD_MAP_2(f, a, ...) f a TD_MAP_1(f, __VA_ARGS__)
#define TD_MAP_3(f, a, ...) f a TD_MAP_2(f, __VA_ARGS__)
#define TD_MAP_4(f, a, ...) f a TD_MAP_3(f, __VA_ARGS__)
#define TD_MAP_5(f, a, ...) f a TD_MAP_4(f, __VA_ARGS__)
#define TD_MAP_6(f, a, ...) f a TD_MAP_5(f, __VA_ARGS__)
#define TD_MAP_7(f, a, ...) f a TD_MAP_6(f, __VA_ARGS__)
#define TD_MAP_8(f, a, ...) f a TD_MAP_7(f, __VA_ARGS__)
#define TD_MAP_9(f, a, ...) f a TD_MAP_8(f, __VA_ARGS__)
#define TD_MAP_10(f, a, ...) f a TD_MAP_9(f, __VA_ARGS__)
#define TD_MAP_11(f, a, ...) f a TD_MAP_10(f, __VA_ARGS__)
#define TD_MAP_12(f, a, ...) f a TD_MAP_11(f, __VA_ARGS__)
#define TD_MAP_13(f, a, ...) f a TD_MAP_12(f, __VA_ARGS__)
#define TD_MAP_14(f, a, ...) f a TD_MAP_13(f, __VA_ARGS__)
#define TD_MAP_15(f, a, ...) f a TD_MAP_14(f, __VA_ARGS__)
#define TD_MAP_16(f, a, ...) f a TD_MAP_15(f, __VA_ARGS__)
#define TD_MAP_PICK(_0, _1, _2, _3, _4, _5, _6, _7, _8, _9, _10, _11, _12, _13, _14, _15, _16, name, ...) name
#define TD_MAP(f, ...)                                                                                                           \
    TD_MAP_PICK(_0 __VA_OPT__(, ) __VA_ARGS__, TD_MAP_16, TD_MAP_15, TD_MAP_14, TD_MAP_13, TD_MAP_12, TD_MAP_11, TD_MAP_10,       \
                TD_MAP_9, TD_MAP_8, TD_MAP_7, TD_MAP_6, TD_MAP_5, TD_MAP_4, TD_MAP_3, TD_MAP_2, TD_MAP_1, TD_MAP_0)                \
    (f __VA_OPT__(, ) __VA_ARGS__)

/* TD_EACH(a, b) is (a), (b): makes items for TD_MAP of plain names, at most 4. */
#define TD_EACH_0()
#define TD_EACH_1(a) (a)
#define TD_EACH_2(a, b) (a), (b)
#define TD_EACH_3(a, b, c) (a), (b), (c)
#define TD_EACH_4(a, b, c, d) (a), (b), (c), (d)
#define TD_EACH_PICK(_1, _2, _3, _4, name, ...) name
#define TD_EACH(...) TD_EACH_PICK(__VA_ARGS__ __VA_OPT__(, ) TD_EACH_4, TD_EACH_3, TD_EACH_2, TD_EACH_1, TD_EACH_0, )(__VA_ARGS__)

#endif
