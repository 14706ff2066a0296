#include <lsnn.h>

#include <cstdio>

int main() {
    std::printf("lsnn %s\n", lsnn_version());
    return 0;
}
