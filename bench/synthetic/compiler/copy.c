// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// A compiler that copies the module to the object. dtlto keeps the results only
// of a program that it can identify, so it is no script, and that says that it
// compiles itself, as Clang does.
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/sendfile.h>
#include <unistd.h>

int main(int argc, char **argv) {
    const char *module = 0, *object = 0;
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "-###")) {
            fprintf(stderr, " \"%s\" \"-cc1\"\n", argv[0]);
            return 0;
        }
        if (!strcmp(argv[i], "-o") && i + 1 < argc)
            object = argv[++i];
        else if (!strcmp(argv[i], "-x"))
            i++;
        else if (argv[i][0] != '-')
            module = argv[i];
    }
    if (!module || !object)
        return 1;
    int from = open(module, O_RDONLY);
    int to = open(object, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    while (from >= 0 && to >= 0) {
        ssize_t n = sendfile(to, from, 0, 1 << 20);
        if (n <= 0)
            return n < 0;
    }
    return 1;
}
