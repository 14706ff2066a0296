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

@test "plot --paths and --goals, of networks with spikes and without" {
    for kind in navigation navigation-lstm; do
        run=$BATS_FILE_TMPDIR/$kind
        check 0 plot "$run" --goals --threads 1 --out goals.svg
        says goals.svg '>straight to the goal<'
        says goals.svg "$kind: time from goal to goal"
        check 0 plot "$run" --paths --threads 1 --out one.svg
        check 0 plot "$run" --paths --threads 2 --out two.svg
        cmp one.svg two.svg
        says one.svg '>Before training<'
        [ "$(grep -Ec '>(no goal|[0-9]+ goals?, first after [0-9]+ ms)<' one.svg)" = 8 ]
        check 0 plot "$run" --paths --sample 4 --out two.svg
        ! cmp -s one.svg two.svg
        check 0 plot "$run" --paths --set navigation.move_ms=100 --out two.svg # the goals of eight episodes move twice
        [ "$(grep -o 'fill="#117733"' two.svg | wc -l)" = 24 ]
        for ending in png pdf; do
            check 0 plot "$run" --paths --out "paths.$ending"
            [ -s "paths.$ending" ]
        done
    done
    check 2 plot "$run" --paths --goals --out figure.svg
    one_error_line
    check 3 plot "$run" --paths --set net.n_units=3 --out figure.svg
    one_error_line
    # shellcheck disable=SC2154 # helper.bash sets it
    [ -d "$trained" ] || train_tiny
    cd "$BATS_TEST_TMPDIR"
    for figure in paths goals; do
        check 2 plot "$trained" --$figure --out figure.svg
        one_error_line
        says err 'navigation'
    done
    [ ! -e figure.svg ]
}

@test "a path is that of the same episode in a probe" {
    run=$BATS_FILE_TMPDIR/navigation
    check 0 plot "$run" --sample 2 --set navigation.goal_radius=0.7 --out sample.svg
    title=$(grep -o 'test sample 2: [0-9]* goals*, the first after [0-9]* ms' sample.svg | head -1)
    check 0 plot "$run" --sample 2 --set navigation.goal_radius=0.7 --paths --out paths.svg
    grep -oE '>(no goal|[0-9]+ goals?, first after [0-9]+ ms)<' paths.svg | sed -n 5p >path # of the trained network, which is the second row
    [ -n "$title" ] && grep -qF "${title#*: }" <(sed 's/first/the first/' path)
}

# The page that plays an episode stands alone. What its script does is seen in a browser.
play_page() { # play_page FILE STEP: see page.py
    command -v chromium >/dev/null || skip 'there is no chromium here to open the page in (make test-long installs it)'
    timeout 120 python3 "$BATS_TEST_DIRNAME/page.py" play "$@" >seen
    cat seen
}

@test "plot --out agent.html: a page that is whole, and asks for nothing" {
    run=$BATS_FILE_TMPDIR/navigation
    check 0 plot "$run" --sample 1 --out agent.html
    [ "$(cat out)" = agent.html ]
    check 0 probe "$run" --sample 1 --out episode.safetensors
    check 0 plot episode.safetensors --out again.html
    cmp agent.html again.html
    python3 "$BATS_TEST_DIRNAME/page.py" check agent.html >page
    cat page
    jq -e '.n == 300 and .rows == [160, 14, 10] and all(.spikes[]; . > 0) and .places == 1 and .bytes < 200000' page
    check 0 plot "$run" --set navigation.move_ms=100 --first 250 --out agent.html
    python3 "$BATS_TEST_DIRNAME/page.py" check agent.html >page
    jq -e '.n == 250 and .places == 3' page
}

@test "in a browser the agent of the page walks, stops, and is moved by the slider" {
    run=$BATS_FILE_TMPDIR/navigation
    check 0 plot "$run" --sample 2 --out agent.html
    python3 "$BATS_TEST_DIRNAME/page.py" check agent.html >page
    play_page agent.html 250
    jq -e '.complaints == []' seen
    jq -e '.start.button == "Pause" and .later.button == "Play" and .later.clock >= .start.clock + 5 and .later.clock < 300' seen
    jq -e '(.later.x != .start.x or .later.y != .start.y) and .later.search > .start.search' seen
    jq -e '.paused == .later' seen
    jq -e '.middle.clock == 250 and .middle.window == "-150 0 400 160" and .middle.drawn > 0 and .linked == .middle' seen
    jq -e --slurpfile page page '.end.clock == 299 and .end.count == $page[0].goals and .again.clock < 299 and .again.button == "Pause"' seen
}

@test "a page of what does not act is refused" {
    # shellcheck disable=SC2154 # helper.bash sets it
    [ -d "$trained" ] || train_tiny
    cd "$BATS_TEST_TMPDIR"
    refuse() { # refuse STATUS TEXT ARGUMENTS...
        check "$1" "${@:3}" --out agent.html
        one_error_line
        says err "$2"
        [ ! -e agent.html ]
    }
    refuse 2 'has learned digits' plot "$trained"
    check 0 probe "$trained" --out digit.safetensors
    refuse 2 'has learned digits' plot digit.safetensors
    refuse 2 'which has no spikes' plot "$BATS_FILE_TMPDIR/navigation-lstm"
    for figure in curves connections goals paths; do
        refuse 2 "a figure's name ends in .svg" plot "$BATS_FILE_TMPDIR/navigation" --$figure
    done
    refuse 2 'must end in .svg' plot "$BATS_FILE_TMPDIR/navigation/metrics.jsonl"
    refuse 3 navigation.step plot "$BATS_FILE_TMPDIR/navigation" --set navigation.step=-1
    [ "$(ls -A)" = "$(printf '%s\n' digit.safetensors err out)" ] # no probe is left behind
}

@test "reproduce: goals, differences, a goal that moves, and the page again from the records alone" {
    cat >two.yaml <<END
title: Two agents
move_ms: 80
rows:
  lsnn:
    label: LSNN
    experiment: navigation
    seeds: [1, 2]
    set: [net.n_lif=14, net.n_adaptive=10]
  lif:
    label: LIF, no adaptation
    experiment: navigation
    set: [net.n_lif=14, net.n_adaptive=10, net.beta=0]
    against: lsnn
  lstm:
    label: LSTM
    experiment: navigation-lstm
    set: [net.n_units=9]
    against: lsnn
END
    quick=(--set rl.episode_ms=200 --set navigation.step=0.1 --set train.iterations=3 --set train.valid_every=2 --set train.valid_batches=1
        --set train.test_batches=2 --threads 1 --quiet)
    check 0 reproduce ./two.yaml "${quick[@]}" --out study
    [ "$(find study/records -name '*.goals.json' | wc -l)" = 4 ]
    jq -e '.agents | length == 8 and (.[0].episode_goals | length) == 20 and (.[1] | has("episode_goals") | not)' study/records/lsnn-seed1.goals.json
    jq -e '.agents | [.[] | has("after_move")] == [false, true]' study/records/lif-seed1.goals.json
    jq -e '.agents[1] | .before_move.n_episodes == 20 and .after_move.n_episodes == 40' study/records/lif-seed1.goals.json
    jq -e -s '(.[0].agents[0].episode_goals | add / 20) - .[1].score | fabs < 1e-4' study/records/lsnn-seed2{.goals,}.json
    page=study/README.md
    for figure in learning goals paths sample connections scores; do
        says $page "]($figure.svg)"
    done
    says study/learning.svg '>straight to the goal<'
    says study/goals.svg '>LIF, no adaptation<'
    says study/sample.svg '>Position<'
    says $page '[agent.html](agent.html)'
    python3 "$BATS_TEST_DIRNAME/page.py" check study/agent.html
    [ "$(grep -Ec '^\| search along the rim \| [12] \| [0-9.]+ ± [0-9.]+ \| ' $page)" = 4 ] # where the goal stays, and moves
    [ "$(grep -c '^| LSNN | [12] | ' $page)" = 4 ]
    [ "$(grep -Ec '^\| (LIF, no adaptation|LSTM) \| LSNN \| 1 \| [+-]' $page)" = 2 ]
    says $page 'every 80 ms'
    check 0 eval study/runs/lif-seed1 --against study/runs/lsnn-seed1 --json
    says $page "| LIF, no adaptation | LSNN | 1 | $(jq -r '.goals, .goals_interval' out | xargs printf '%+.2f ± %.2f') | "
    mkdir copy
    cp -r study/records study/{paths,sample,connections}.svg study/agent.html copy
    check 0 reproduce ./two.yaml --report --out copy
    for file in README.md goals.svg learning.svg scores.svg; do
        cmp study/$file copy/$file
    done
    check 0 reproduce ./two.yaml "${quick[@]}" --out study # again: nothing to do
    cmp $page copy/README.md
    sed -i 's/"episode_first":\[[0-9.]*,/"episode_first":[/' copy/records/lif-seed1.goals.json # one number is gone
    check 4 reproduce ./two.yaml --report --out copy
    one_error_line
    says err 'episode_first is not as it was written'
}

@test "reproduce: where no goal moves within an episode, nothing is said of it" {
    check 0 reproduce navigation --rows navigation --seeds 1 --set rl.episode_ms=100 --set net.n_lif=10 --set net.n_adaptive=5 \
        --set train.iterations=2 --set train.valid_batches=1 --set train.test_batches=2 --threads 1 --quiet --out study
    jq -e '.agents | length == 4' study/records/navigation-seed1.goals.json
    lacks study/README.md 'A goal that moves'
    says study/README.md 'The first goal and later ones'
    lacks study/README.md 'Differences'
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
