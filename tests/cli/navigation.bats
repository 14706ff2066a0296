# Learning by reward, with networks and episodes that take a second.

setup_file() {
    load helper
    cd "$BATS_FILE_TMPDIR" || return
    for kind in navigation navigation-lstm; do
        if [ $kind = navigation ]; then
            size=(--set net.n_lif=14 --set net.n_adaptive=10)
        else
            size=(--set net.n_units=10)
        fi
        "$LSNN" train $kind "${size[@]}" --set rl.episode_ms=300 --set navigation.step=0.1 --set train.iterations=4 --set train.valid_batches=2 \
            --set train.test_batches=3 --threads 1 --out $kind --quiet --json >$kind.json 2>err || return
    done
}

setup() {
    load helper
    cd "$BATS_TEST_TMPDIR" || return
}

@test "the experiments are those of the protocol" {
    check 0 show navigation --json
    jq -e '.needs | .n_in == 160 and .n_lif == 280 and .n_adaptive == 120 and .n_out == 5 and .n_steps == 2000 and .n_batch == 10' out
    jq -e '.needs | .n_synapses_in + .n_synapses_rec + .n_synapses_out == 45200 and .n_params == 45605' out
    jq -e '.needs.memory_bytes < 1e9' out
    jq -e '.settings | .["train.epsilon"].value == "1e-5" and .["net.noise_trainable"].value == "true" and (has("l2l.n_code") | not)' out
    check 0 show navigation-lstm --json
    jq -e '.needs | .n_params == 45638 and .n_rec == 53' out
    check 0 list
    grep -q '^navigation ' out
    grep -q '^navigation-lstm ' out
}

@test "eval gives goals an episode with their interval, the same on any number of threads" {
    for kind in navigation navigation-lstm; do
        run=$BATS_FILE_TMPDIR/$kind
        jq -e '.n == 30 and .score_name == "goals an episode" and .goals.n_episodes == 30 and .goals.per_episode == .score' "$run.json"
        jq -e '.goals | .per_episode_interval > 0 and .found >= 0 and .found <= 1 and .first_median <= 300 and (.in_a_row | length) == 10' "$run.json"
        check 0 eval "$run" --threads 2 --json
        [ "$(jq -c '[.score, .loss, .goals]' out)" = "$(jq -c '[.score, .loss, .goals]' "$run.json")" ]
        [ "$(jq -c .goals.first_mean "$run/result.json" | cut -c1-7)" = "$(jq -c .goals.first_mean out | cut -c1-7)" ]
        check 0 eval "$run" --seed 9 --json
        [ "$(jq -c .goals out)" != "$(jq -c .goals "$run.json")" ]
        check 0 eval "$run" --split valid
        grep -Eq '^valid goals an episode [0-9.e-]+ \+- [0-9.e-]+, n 30,' out
        grep -q '^30 episodes; times in steps$' out
    done
}

@test "eval --set: other episodes for the same network, but not another network" {
    run=$BATS_FILE_TMPDIR/navigation
    check 0 eval "$run" --set navigation.move_ms=50 --set train.test_batches=5 --json
    jq -e '.goals.n_episodes == 50' out
    check 3 eval "$run" --set net.beta=0
    one_error_line
    says err net.beta
    check 3 eval "$run" --set navigation.step=-1
    one_error_line
}

@test "eval --references: the network and three who follow a rule" {
    run=$BATS_FILE_TMPDIR/navigation
    check 0 eval "$run" --references --threads 2 --json
    cp out two
    jq -e '.split == "test" and (.agents | length) == 4 and .agents[0].name == "network"' out
    [ "$(jq -c .agents[0].goals out)" = "$(jq -c .goals "$run.json")" ]
    jq -e '[.agents[].goals.per_episode] | .[1] < .[2] and .[2] < .[3]' out
    check 0 eval "$run" --references --threads 1 --json
    cmp out two
    check 0 eval "$run" --references
    [ "$(wc -l <out)" = 6 ]
    grep -Eq '^straight to the goal +[0-9.]+ \+- ' out
    lacks out 'moves'
}

@test "eval --references where the goal moves: until then, and afterwards" {
    run=$BATS_FILE_TMPDIR/navigation
    check 0 eval "$run" --references --set navigation.move_ms=100 --json
    jq -e '.agents | all(.before_move.n_episodes == 30 and .after_move.n_episodes == 60 and .before_move.first_median <= 100)' out
    jq -e '.agents | all((.goals.per_episode - .before_move.per_episode - 2 * .after_move.per_episode) | fabs < 1e-9)' out
    jq -e '.agents[3] | .before_move.found == 1 and .after_move.found == 1' out
    jq -e '.agents[3].goals | .reached[0] == 1 and (.reached | length) == 10 and .reached[1] >= .reached[9]' out
    check 0 eval "$run" --references --set navigation.move_ms=100
    [ "$(wc -l <out)" = 14 ]
    grep -Eq '^  after a move +[0-9.]+ \+- ' out
    check 0 eval "$run" --references --set navigation.move_ms=300 --json # the episode is over by then
    jq -e '.agents | all(has("after_move") | not)' out
}

@test "eval --against: the difference of two networks on the same episodes" {
    run=$BATS_FILE_TMPDIR/navigation
    check 0 eval "$run" --against "$BATS_FILE_TMPDIR/navigation-lstm" --json
    jq -e --argjson a "$(jq .score "$run.json")" --argjson b "$(jq .score "${run}-lstm.json")" \
        '.n_episodes == 30 and (.goals - $a + $b | fabs < 1e-9) and .goals_interval > 0' out
    check 0 eval "$run" --against "$run"
    grep -qx 'goals an episode    +0.00 +- 0.00' out
    check 5 eval "$run" --against nowhere
    one_error_line
}

@test "metrics, resume, probe and plot" {
    run=$BATS_FILE_TMPDIR/navigation
    [ "$(wc -l <"$run/metrics.jsonl")" = 4 ]
    jq -e '.goals >= 0 and .found <= 1 and .first_goal <= 300 and has("return") and has("reward")' "$run/metrics.jsonl"
    check 0 probe "$run" --sample 2 --out episode.safetensors
    check 0 plot episode.safetensors --out episode.svg
    [ -s episode.svg ]
    cp -r "$run" again
    check 0 train navigation --set net.n_lif=14 --set net.n_adaptive=10 --set rl.episode_ms=300 --set navigation.step=0.1 --set train.iterations=6 \
        --set train.valid_batches=2 --set train.test_batches=3 --out again --resume --quiet
    [ "$(wc -l <again/metrics.jsonl)" = 6 ]
    check 0 plot again --curves --out curves.svg
    [ -s curves.svg ]
}

@test "a task of a program's own says where its environment is to come from" {
    printf 'task: rl-own\n' >own.yaml
    check 3 train ./own.yaml --out own
    one_error_line
    says err 'lsnn_run_options.environment'
    [ ! -e own ]
    check 3 show ./own.yaml
    says out 'what the network needs is not known'
    grep -q '^rl.discount ' out
}

@test "settings that do not fit are refused" {
    check 3 train navigation --set rl.clip=0 --out own
    one_error_line
    says err rl.clip
    check 3 train navigation --set train.carry_state=true --out own
    says err train.carry_state
    check 3 train navigation --set rl.lambda=1.5 --out own
    says err rl.lambda
    check 3 train digits --set rl.lambda=1 --out own
    says err rl.lambda
    [ ! -e own ]
}
