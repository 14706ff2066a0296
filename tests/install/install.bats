# `make install` from a copy of the source that is then gone, and programs of an outsider's that build on what was installed.

setup_file() {
    : "${LSNN_SOURCE:?the folder of the source}"
    export WORK=$BATS_FILE_TMPDIR
    export PREFIX=$WORK/prefix STAGE=$WORK/stage OUTSIDE=$LSNN_SOURCE/tests/install/outside
    local name
    mkdir "$WORK/source"
    for name in Makefile CMakeLists.txt LICENSE README.md CHANGELOG.md cmake scripts include src cli examples experiments models data docs; do
        if [ -e "$LSNN_SOURCE/$name" ]; then cp -r "$LSNN_SOURCE/$name" "$WORK/source/"; fi
    done
    if ! make -C "$WORK/source" install PREFIX=/opt/lsnn DESTDIR="$STAGE" >"$WORK/install.log" 2>&1 ||
        ! make -C "$WORK/source" install PREFIX="$PREFIX" >>"$WORK/install.log" 2>&1; then
        tail -40 "$WORK/install.log" >&2
        return 1
    fi
    rm -rf "$WORK/source"
    export LIBRARIES PKG_CONFIG_PATH
    LIBRARIES=$(dirname "$(find "$PREFIX" -name liblsnn.a)")
    PKG_CONFIG_PATH=$LIBRARIES/pkgconfig
    unset LSNN_DATA
}

@test "everything is in its place" {
    local file version
    version=$(pkg-config --modversion lsnn)
    for file in "$PREFIX"/include/lsnn.h "$PREFIX"/bin/lsnn "$LIBRARIES"/liblsnn.{a,so,so.0} "$LIBRARIES/liblsnn.so.$version" \
        "$LIBRARIES"/cmake/lsnn/lsnn-config.cmake "$PREFIX"/share/lsnn/{experiments/digits.yaml,data/digits.csv.gz} \
        "$PREFIX"/share/man/man1/lsnn.1 "$PREFIX"/share/bash-completion/completions/lsnn "$PREFIX"/share/doc/lsnn/LICENSE; do
        [ -s "$file" ] || { echo "missing or empty: $file"; return 1; }
    done
}

@test "DESTDIR stages the same files, and their text names the final place" {
    diff <(cd "$STAGE/opt/lsnn" && find . -type f | sort) <(cd "$PREFIX" && find . -type f | sort)
    [ "$(PKG_CONFIG_PATH=${PKG_CONFIG_PATH/"$PREFIX"/"$STAGE/opt/lsnn"} pkg-config --variable=prefix lsnn)" = /opt/lsnn ]
    run grep -rIl "$STAGE" "$STAGE"
    [ "$status" = 1 ]
}

@test "the shared library gives away lsnn_* and nothing else" {
    nm -D --defined-only "$LIBRARIES/liblsnn.so" | awk '{ print $3 }' >"$WORK/symbols"
    grep -qx lsnn_net_create "$WORK/symbols"
    [ -z "$(grep -v '^lsnn_' "$WORK/symbols" | tee /dev/stderr)" ]
}

@test "every function of the header is in the shared library" {
    gcc -E -I"$PREFIX/include" -include lsnn.h -xc /dev/null | grep -oE '\blsnn_[a-z_0-9]+\(' | tr -d '(' | sort -u >"$WORK/declared"
    nm -D --defined-only "$LIBRARIES/liblsnn.so" | awk '{ print $3 }' | sort -u >"$WORK/defined"
    [ "$(wc -l <"$WORK/declared")" -gt 50 ]
    [ -z "$(comm -23 "$WORK/declared" "$WORK/defined" | tee /dev/stderr)" ]
}

@test "an outside program with pkg-config, shared" {
    # shellcheck disable=SC2046 # flags
    gcc -std=c11 -Wall -Wextra -Wpedantic -Werror "$OUTSIDE/outside.c" -o "$WORK/shared" $(pkg-config --cflags --libs lsnn)
    LD_LIBRARY_PATH=$LIBRARIES run "$WORK/shared"
    echo "$output"
    [ "$status" = 0 ]
    [[ $output == "lsnn $(pkg-config --modversion lsnn): "* ]]
}

@test "an outside program with pkg-config, static" {
    # shellcheck disable=SC2046 # flags
    gcc -std=c11 "$OUTSIDE/outside.c" -o "$WORK/static" $(pkg-config --cflags lsnn) "$LIBRARIES/liblsnn.a" \
        $(pkg-config --print-requires-private lsnn | xargs pkg-config --libs) -pthread -lm
    [[ $(ldd "$WORK/static") != *liblsnn* ]]
    "$WORK/static"
}

@test "outside programs with CMake's find_package, shared and static, say the same" {
    cmake -S "$OUTSIDE" -B "$WORK/outside" -G Ninja -DCMAKE_PREFIX_PATH="$PREFIX"
    cmake --build "$WORK/outside"
    "$WORK/outside/outside_shared" >"$WORK/said-shared"
    "$WORK/outside/outside_static" >"$WORK/said-static"
    cat "$WORK/said-shared"
    cmp "$WORK/said-shared" "$WORK/said-static"
}

@test "CMake's find_package refuses a version that is not there" {
    printf 'cmake_minimum_required(VERSION 3.22)\nproject(late C)\nfind_package(lsnn 9.0 REQUIRED)\n' >"$BATS_TEST_TMPDIR/CMakeLists.txt"
    run cmake -S "$BATS_TEST_TMPDIR" -B "$BATS_TEST_TMPDIR/build" -G Ninja -DCMAKE_PREFIX_PATH="$PREFIX"
    [ "$status" != 0 ]
    [[ $output == *9.0* ]]
}

@test "the header stands in C++" {
    command -v g++ >/dev/null || skip "no g++ here"
    # shellcheck disable=SC2046 # flags
    g++ -Wall -Wextra -Wpedantic -Werror "$OUTSIDE/outside.cpp" -o "$WORK/cpp" $(pkg-config --cflags --libs lsnn)
    LD_LIBRARY_PATH=$LIBRARIES "$WORK/cpp"
}

@test "the installed tool finds its experiments and data with the source gone" {
    cd "$BATS_TEST_TMPDIR"
    "$PREFIX/bin/lsnn" list | tee list
    grep -q digits list
    "$PREFIX/bin/lsnn" train digits --set train.iterations=1 --out run --quiet
    [ -s run/last.safetensors ]
}

@test "man pages are without complaint, and the completion completes" {
    local page
    for page in "$PREFIX"/share/man/man1/lsnn*.1; do
        run env LC_ALL=C.UTF-8 MANROFFSEQ='' MANWIDTH=80 man --warnings -E UTF-8 -l -Tutf8 -Z "$page"
        [ "$status" = 0 ]
        run bash -c 'LC_ALL=C.UTF-8 MANWIDTH=80 man --warnings -E UTF-8 -l -Tutf8 -Z "$1" 2>&1 >/dev/null' man "$page"
        echo "$page: $output"
        [ -z "$output" ]
    done
    bash -n "$PREFIX/share/bash-completion/completions/lsnn"
    bash -c '. "$1" && complete -p lsnn' completion "$PREFIX/share/bash-completion/completions/lsnn"
}
