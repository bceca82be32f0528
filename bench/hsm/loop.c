/* The outer limit of a PKCS#11 module: one session, one key, C_SignInit and C_Sign in a loop.
 *
 * `loop KIND` answers lines "TASK COUNT" on standard input with the seconds that COUNT signatures took; the token is
 * named by BENCH_LIBRARY, BENCH_TOKEN and BENCH_PIN, and KIND is the label of the key. Only what is used of PKCS#11
 * v2.40 is declared here, for the sake of machines without its headers.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef unsigned long ulong;
typedef struct { ulong type; void *value; ulong length; } attribute;
typedef struct { ulong mechanism; void *parameter; ulong length; } mechanism;

enum { CKF_SERIAL_SESSION = 4, CKU_USER = 1, CKA_CLASS = 0, CKA_LABEL = 3, CKO_PRIVATE_KEY = 3 };
enum { CKM_RSA_PKCS = 1, CKM_ECDSA = 0x1041, SLOTS = 64, DIGEST_INFO = 19, DIGEST = 32 };

static const unsigned char prefix[DIGEST_INFO + 1] =
    "\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20";

static void *module;

static void *function(const char *name) {
    void *found = dlsym(module, name);
    if (!found) { fprintf(stderr, "the module has no %s\n", name); exit(1); }
    return found;
}

static void check(ulong code, const char *what) {
    if (code) { fprintf(stderr, "%s: 0x%lx\n", what, code); exit(1); }
}

static ulong slot_of(const char *label) {
    ulong (*get_slots)(unsigned char, ulong *, ulong *) = function("C_GetSlotList");
    ulong (*get_token)(ulong, void *) = function("C_GetTokenInfo");
    ulong slots[SLOTS], count = SLOTS;
    check(get_slots(1, slots, &count), "C_GetSlotList");
    for (ulong i = 0; i < count; i++) {
        char info[512]; /* CK_TOKEN_INFO, which begins with the label, 32 octets padded with spaces */
        check(get_token(slots[i], info), "C_GetTokenInfo");
        if (!memcmp(info, label, strlen(label))) return slots[i];
    }
    fprintf(stderr, "there is no such token\n");
    exit(1);
}

static ulong key_of(ulong session, char *label) {
    ulong (*begin)(ulong, attribute *, ulong) = function("C_FindObjectsInit");
    ulong (*find)(ulong, ulong *, ulong, ulong *) = function("C_FindObjects");
    ulong (*end)(ulong) = function("C_FindObjectsFinal");
    ulong class = CKO_PRIVATE_KEY, key = 0, found = 0;
    attribute template[] = {{CKA_CLASS, &class, sizeof class}, {CKA_LABEL, label, strlen(label)}};
    check(begin(session, template, 2), "C_FindObjectsInit");
    check(find(session, &key, 1, &found), "C_FindObjects");
    check(end(session), "C_FindObjectsFinal");
    if (!found) { fprintf(stderr, "there is no such key\n"); exit(1); }
    return key;
}

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec + time.tv_nsec * 1e-9;
}

int main(int count, char **arguments) {
    module = count == 2 ? dlopen(getenv("BENCH_LIBRARY"), RTLD_NOW) : NULL;
    if (!module) { fprintf(stderr, "usage: loop KIND, with a PKCS#11 module in BENCH_LIBRARY\n"); return 1; }
    ulong (*initialize)(void *) = function("C_Initialize");
    ulong (*open)(ulong, ulong, void *, void *, ulong *) = function("C_OpenSession");
    ulong (*login)(ulong, ulong, char *, ulong) = function("C_Login");
    ulong (*sign_init)(ulong, mechanism *, ulong) = function("C_SignInit");
    ulong (*sign)(ulong, unsigned char *, ulong, unsigned char *, ulong *) = function("C_Sign");

    ulong session, rsa = !strncmp(arguments[1], "RSA", 3);
    char *pin = getenv("BENCH_PIN");
    check(initialize(NULL), "C_Initialize");
    check(open(slot_of(getenv("BENCH_TOKEN")), CKF_SERIAL_SESSION, NULL, NULL, &session), "C_OpenSession");
    check(login(session, CKU_USER, pin, strlen(pin)), "C_Login");
    ulong key = key_of(session, arguments[1]);

    mechanism how = {rsa ? CKM_RSA_PKCS : CKM_ECDSA, NULL, 0};
    unsigned char message[DIGEST_INFO + DIGEST] = {0}, signature[1024];
    memcpy(message, prefix, DIGEST_INFO);
    unsigned char *signed_part = rsa ? message : message + DIGEST_INFO;
    ulong length = rsa ? sizeof message : DIGEST;
    unsigned wanted;
    puts("ready");
    fflush(stdout);
    while (scanf("%*s %u", &wanted) == 1) {
        double begun = now();
        for (unsigned i = 0; i < wanted; i++) {
            ulong size = sizeof signature;
            memcpy(message + DIGEST_INFO, &i, sizeof i);
            check(sign_init(session, &how, key), "C_SignInit");
            check(sign(session, signed_part, length, signature, &size), "C_Sign");
        }
        printf("%.9f\n", now() - begun);
        fflush(stdout);
    }
    return 0;
}
