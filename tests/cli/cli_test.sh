#!/usr/bin/env bash
# cli_test.sh TAILRACE: exit codes and messages of the program, as a user's shell sees them. Trains nothing.
set -uo pipefail
tailrace=$(realpath "${1:?usage: cli_test.sh TAILRACE}")
docs=$(realpath "$(dirname "${BASH_SOURCE[0]}")/../../docs")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
failures=0 checks=0

# expect CODE 'PATTERN OF STDOUT' 'PATTERN OF STDERR' ARGUMENTS...: runs the program; patterns are bash globs, '' is
# nothing at all.
expect() {
  local code=$1 out=$2 err=$3 got
  shift 3
  "$tailrace" "$@" >out.txt 2>err.txt </dev/null
  got=$?
  judge "$code" "$out" "$err" "$got" "tailrace $*"
}
judge() {
  local code=$1 out=$2 err=$3 got=$4 what=$5 problem=
  checks=$((checks + 1))
  # shellcheck disable=SC2053
  [ "$got" = "$code" ] || problem+=" exit $got, expected $code;"
  [[ $(<out.txt) == $out ]] || problem+=" stdout is not '$out';"
  [[ $(<err.txt) == $err ]] || problem+=" stderr is not '$err';"
  [ -z "$problem" ] && return
  failures=$((failures + 1))
  printf 'FAILED: %s:%s\n--- stdout\n%s\n--- stderr\n%s\n' "$what" "$problem" "$(head -5 out.txt)" "$(head -5 err.txt)"
}
flow() { printf '{"flow": "f", "input": "Tensor", "stages": [%s]}' "$2" >"$1"; }

# ---- help, version, mistakes on the command line
expect 0 '*demo digits*Exit codes:*' '' --help
expect 0 '*--models DIR*Examples*' '' run --help
expect 0 'tailrace [0-9]*' '' --version
expect 2 '' 'tailrace: no command given; see tailrace --help'
expect 2 '' "tailrace: unknown command 'explian' (did you mean 'explain'?); see tailrace --help" explian
expect 2 '' "tailrace: unknown flag '--sede' (did you mean '--seeds'?); see tailrace demo digits --help" demo digits --sede 3
expect 2 '' 'tailrace: demo of what? digits, photos, speech or faces; see tailrace demo --help' demo
expect 2 '' 'tailrace: --seeds: *0*100*' demo digits --seeds 0
expect 2 '' 'tailrace: --seeds: *many*' demo digits --seeds many
expect 2 '' 'tailrace: FLOW is required; see tailrace explain --help' explain
expect 2 '' 'tailrace: --input is required; see tailrace run --help' run x.json

# ---- files
expect 2 '' 'tailrace: none.json: cannot be opened: No such file or directory' explain none.json
expect 2 '' 'tailrace: /: is a folder, expected a file' explain /
printf '{"flow": ' >broken.json
expect 2 '' 'tailrace: broken.json:1:10: not JSON: *' explain broken.json
flow typo.json '{"name": "a", "run": "sofmax"}'
expect 2 '' "tailrace: typo.json:1:66: a: there is no stage named 'sofmax' in the catalog (did you mean 'softmax'?)" explain typo.json
head -c 100000 /dev/urandom >noise.json
expect 2 '' 'tailrace: noise.json:*' explain noise.json

# ---- explain
expect 0 '*scores*cascade*tiny*' '' explain "$docs/flows/digits.json"
flow scale.json '{"name": "half", "run": {"scale": {"by": 0.5}}}'
expect 0 '*half*' '' explain scale.json

# ---- run without models
flow best.json '{"name": "half", "run": {"scale": {"by": 0.5}}}, {"name": "best", "run": "arg_max"}'
printf 'a,b,c\n1,2,3\n\n9, 8,7\n' >rows.csv
expect 0 '{"row":0,"label":2}'$'\n''{"row":1,"label":0}' '' run best.json --input rows.csv
expect 0 '{"row":0,"label":1}'$'\n''{"row":1,"label":0}' '' run best.json --input rows.csv --columns 2 --threads 2
expect 0 '{"row":0,"values":\[0.5,1.0,1.5\]}'$'\n''*' '' run scale.json --input rows.csv
expect 0 '{"row":0,*}' '' run scale.json --input <(printf '1,2\n') --within 10s

flow top.json '{"name": "top", "run": {"top": {"k": 2}}}'
expect 0 '{"row":0,"top":\[{"index":2,"score":3.0},{"index":1,"score":2.0}\]}'$'\n''*' '' run top.json --input rows.csv

# ---- seeing
expect 0 '*' '' run best.json --input rows.csv --trace t.json --metrics m.prom
cp m.prom out.txt && : >err.txt && judge 0 '*tailrace_requests_total{code="ok"} 2*' '' 0 'metrics of two rows'
cp t.json out.txt && judge 0 '*"traceEvents":*"ph":"X"*"name":"best"*' '' 0 'trace of two rows'
expect 2 '{"row":0,*' 'tailrace: none/m.prom: *' run best.json --input rows.csv --metrics none/m.prom
expect 2 '{"row":0,*' 'tailrace: none/t.json: the trace could not be written: No such*' run best.json --input rows.csv --trace none/t.json
TAILRACE_TRACE=env.json expect 0 '*' '' run best.json --input rows.csv
cp env.json out.txt && judge 0 '*"name":"best"*' '' 0 'trace that the environment asks for'
"$tailrace" run best.json --input - <rows.csv >out.txt 2>err.txt
judge 0 '{"row":0,"label":2}*' '' $? 'tailrace run best.json --input -'
printf '1,2\nnan,3\n4,5\n' >nan.csv
expect 1 '*{"row":1,"error":{"code":"bad_value","where":"best","what":"*not a number*"}}*{"row":2,"label":1}' \
  'tailrace: 1 of 3 rows have no answer; their lines say why' run best.json --input nan.csv
printf '\x93NUMPY\x01\x00\x3a\x00%-57s\n\x03\x01\x02\x09\x07\x08' "{'descr': '|u1', 'fortran_order': False, 'shape': (2, 3)}" >rows.npy
expect 0 '{"row":0,"label":0}'$'\n''{"row":1,"label":0}' '' run best.json --input rows.npy
head -c 30 rows.npy >cut.npy
expect 2 '' 'tailrace: cut.npy:byte 30: ends inside the header' run best.json --input cut.npy
printf '1,2\n3,x\n' >bad.csv
expect 2 '' "tailrace: bad.csv:2:3: 'x' is not a number that fits float32" run best.json --input bad.csv
: >empty.csv
expect 2 '' 'tailrace: empty.csv: holds no rows' run best.json --input empty.csv
expect 2 '' 'tailrace: --columns 4 asks for more numbers than rows have: 3' run best.json --input rows.csv --columns 4
expect 2 '' "tailrace: --within takes a time such as 5ms, 0.2s or 300us, got '5'" run best.json --input rows.csv --within 5

# ---- profile: what is asked for is looked at before any network is
printf 'not a model' >net.pt
expect 2 '' 'tailrace: --out is required; see tailrace profile --help' profile net.pt --shape 64
expect 2 '' 'tailrace: none.pt: cannot be opened: *' profile none.pt --out m.json --shape 64
expect 2 '' 'tailrace: profile: what are models to be called with? --data names rows, *' profile net.pt --out m.json
expect 2 '' "tailrace: --shape: takes the extents of one row, *; got '6x4'" profile net.pt --out m.json --shape 6x4
expect 2 '' "tailrace: --shape: \[2\] has 2 numbers a row, not 3" profile net.pt --out m.json --data rows.csv --shape 2
expect 2 '' "tailrace: --batches: takes numbers of rows such as *; got '1..0'" profile net.pt --out m.json --shape 64 --batches 1..0
expect 2 '' "tailrace: --batches: *; got '1,2,2'" profile net.pt --out m.json --shape 64 --batches 1,2,2
expect 2 '' "tailrace: --devices: there is no device 'gpu'; expected cpu, *" profile net.pt --out m.json --shape 64 --devices gpu
expect 2 '' 'tailrace: --labels: are of the rows that --data names' profile net.pt --out m.json --shape 64 --labels last
printf '1,2,0.5\n' >odd.csv
expect 2 '' 'tailrace: row 1: a label must be the number of a class, from 0 on; got 0.5' profile net.pt --out m.json --data odd.csv --labels last
expect 2 '' 'tailrace: rows.csv: needs one label for each of 1 rows, got 2 of 3 numbers' profile net.pt --out m.json --data odd.csv --labels rows.csv
printf '{"models": [{"modle": "m"}]}' >bad.json
expect 2 '' "tailrace: bad.json:1:14: a model has no 'modle' (did you mean 'model'?)" profile net.pt --out bad.json --shape 64
"$tailrace" profile net.pt --out m.json --shape 64 >out.txt 2>err.txt
got=$?
if [ $got = 3 ]; then judge 3 '' 'tailrace: this build of tailrace has no LibTorch: *' $got 'tailrace profile net.pt'
else
  judge 2 '' '*tailrace: net.pt: *' $got 'tailrace profile net.pt'
  printf '{"models": [{"model": "tinny", "file": "net.pt"}, {"model": "large", "file": "net.pt"}]}' >list.json
  expect 2 '' "*tailrace: list.json: there is no model 'tiny' in it (did you mean 'tinny'?)*tailrace: net.pt: *" \
    explain "$docs/flows/digits.json" --models list.json
fi
flow gpu.json '{"name": "a", "model": "m", "device": "gpu"}'
expect 2 '' "tailrace: gpu.json:1:*: a: there is no device 'gpu'; expected 'cpu', 'cuda:0', *" explain gpu.json

# ---- measure, and explain with what it found
expect 0 '*the flow f*half*to wake a thread*' '' measure best.json --input rows.csv --out p.json --seconds 0.2
expect 0 '*block 1*half + best, as one*cost*2 of 2 stages*expected: * (profile)*' '' explain best.json --profile p.json
expect 1 '*half*' 'tailrace: *best failed * of * times: *not a number*' measure best.json --input nan.csv --out q.json --seconds 0.1
for command in explain 'run --input rows.csv' 'bench --input rows.csv --arrivals poisson:9' 'simulate --input rows.csv --arrivals poisson:9'; do
  expect 2 '' "tailrace: --with: there is no pass 'rase' (did you mean 'race'?)" $command best.json --with fuse --with rase
done
expect 2 '' 'tailrace: --out is required; see tailrace measure --help' measure best.json --input rows.csv
expect 2 '' 'tailrace: /nowhere/p.json*' measure best.json --input rows.csv --out /nowhere/p.json --seconds 0
expect 2 '' 'tailrace: none.json: cannot be opened: No such file or directory' explain best.json --profile none.json
printf '{"costs": [{"where": 1}]}' >bad_profile.json
expect 2 '' "tailrace: bad_profile.json:1:22: 'where' must be a text, got a number" explain best.json --profile bad_profile.json

# ---- simulate: with costs written by hand, so that every figure is known
cost() { printf '{"where": "%s", "time": {"calls": 9, "min": %s, "mean": %s, "p50": %s, "p90": %s, "p99": %s}}' "$1" $2 $2 $2 $2 $2; }
printf '{"profile": "f", "measured": {"threads": 2}, "costs": [%s, %s]}' "$(cost best 0.001)" "$(cost half 0.002)" >fixed.json
with=(best.json --input rows.csv --profile fixed.json)
tail='{"where": "half", "time": {"calls": 9000, "min": 0.001, "mean": 0.0015, "p50": 0.001, "p90": 0.001, "p99": 0.05}}'
wake='{"calls": 9, "min": 2e-5, "mean": 2e-5, "p50": 2e-5, "p90": 2e-5, "p99": 2e-5}'
printf '{"profile": "f", "measured": {"threads": 2}, "wake": %s, "costs": [%s, %s]}' "$wake" "$(cost best 0.001)" "$tail" >tail.json
expect 0 '*half: could be hedged*' '' explain best.json --profile tail.json
expect 0 '*hedge*half: hedged, by adaptive*' '' explain best.json --profile tail.json --with race
expect 0 '{"row":0,"label":2}'$'\n''{"row":1,"label":0}' '' run best.json --input rows.csv --profile tail.json --with race
expect 0 'f: 50 requests in 147 ms of simulated time, 2 workers, seed 1*answered*50*p50 3 ms, *max 3 ms*stage half: 50 calls, *stage best: 50 calls, *' '' \
  simulate "${with[@]}" --arrivals closed:1 --requests 50
expect 0 '*"requests": 50,*"code": "answered",*"p99.9": 0.003,*"where": "half",*' '' simulate "${with[@]}" --arrivals closed:1 --requests 50 --json
expect 0 '*deadline_missed*100.00 %*' '' simulate "${with[@]}" --arrivals poisson:100 --seconds 10 --within 2500us --workers 1
expect 0 'f: * 1 worker, seed 7*' '' simulate "${with[@]}" --arrivals poisson:100 --seconds 10 --seed 7 --workers 1 --events e.csv --raw s.csv
cp e.csv out.txt && judge 0 'time_ns,request,event,where,*answered*' '' 0 'events of a simulation'
cp s.csv out.txt && judge 0 'request,arrival_ns,latency_ns,*'$'\n''0,*,answered,*' '' 0 'samples of a simulation'
"$tailrace" simulate "${with[@]}" --arrivals poisson:400 --seed 3 --json >first.txt && "$tailrace" simulate "${with[@]}" --arrivals poisson:400 --seed 3 --json >out.txt 2>err.txt
judge 0 "$(sed 's/[][*?\\]/\\&/g' first.txt)" '' $? 'one seed, one report'
printf '{"profile": "f", "costs": [%s]}' "$(cost best 0.001)" >part.json
expect 2 '' 'tailrace: half: the profile has no time for this stage; *tailrace: *--untimed*' \
  simulate best.json --input rows.csv --profile part.json --arrivals poisson:100
expect 0 '*p50 1 ms*' '' simulate best.json --input rows.csv --profile part.json --arrivals closed:1 --requests 9 --untimed
expect 0 'f: *' 'tailrace: no --profile: measuring*' simulate best.json --input rows.csv --arrivals poisson:100 --seconds 1
expect 2 '' 'tailrace: --arrivals is required; see tailrace simulate --help' simulate best.json --input rows.csv
expect 2 '' "tailrace: --arrivals poison:3: there are no arrivals of the kind 'poison' (did you mean 'poisson'?)*" \
  simulate "${with[@]}" --arrivals poison:3
expect 2 '' 'tailrace: none/e.csv: cannot be written' simulate "${with[@]}" --arrivals poisson:9 --seconds 1 --events none/e.csv

# ---- bench: figures differ from run to run
expect 0 'f: * requests in *answered*100.00 %*latency: mean *p99.9 *requests a second*generator late: p50 *' '' \
  bench "${with[@]}" --arrivals poisson:500 --seconds 0.4 --warm-up 10 --raw s.csv
cp s.csv out.txt && judge 0 'request,arrival_ns,latency_ns,*'$'\n''0,*,answered,*' '' 0 'samples of a bench'
expect 0 '*"requests": 40,*"end": "requests",*"p99":*"foreign":*' '' bench best.json --input rows.csv --arrivals closed:2,1ms --requests 40 --json
expect 0 'A, best.json: *B, best.json without fuse: *B by A, median of 12 rounds*p50 *' '' \
  bench "${with[@]}" --arrivals poisson:500 --seconds 1 --without fuse
flow once.json '{"name": "best", "run": "arg_max"}'
expect 0 '*"name": "once.json",*"ratios": *"what": "p50",*' '' bench "${with[@]}" --arrivals poisson:500 --seconds 1 --against once.json --json
expect 2 '' "tailrace: --without: there is no pass 'fuze' (did you mean 'fuse'?)" bench "${with[@]}" --arrivals poisson:9 --without fuze
expect 2 '' 'tailrace: scale.json: takes and gives other types than best.json' bench "${with[@]}" --arrivals poisson:9 --against scale.json
expect 2 '' "tailrace: --goal takes a time such as 5ms, 0.2s or 300us, got '5'" bench "${with[@]}" --arrivals poisson:9 --goal 5

# ---- models
"$tailrace" demo digits --data none.csv >out.txt 2>err.txt
if [ $? = 3 ]; then  # a build without LibTorch says so, whatever else is asked
  judge 3 '' 'tailrace: this build of tailrace has no LibTorch*' 3 'tailrace demo digits'
  expect 3 '' 'tailrace: this build of tailrace has no LibTorch*' demo photos
  expect 3 '' 'tailrace: this build of tailrace has no LibTorch*' demo speech
  expect 3 '' 'tailrace: this build of tailrace has no LibTorch*' run "$docs/flows/digits.json" --input rows.csv --models .
  expect 3 '' 'tailrace: this build of tailrace has no LibTorch*' explain "$docs/flows/digits.json" --models .
else
  judge 2 '' 'tailrace: none.csv: cannot be opened: No such file or directory' 2 'tailrace demo digits --data none.csv'
  expect 2 '' 'tailrace: rows.csv: has 3 numbers a row, expected 64 pixels and a digit' demo digits --data rows.csv
  expect 2 '' 'tailrace: the flow uses models: --models names*' run "$docs/flows/digits.json" --input rows.csv
  expect 2 '' 'tailrace: nowhere: is not a folder*' run "$docs/flows/digits.json" --input rows.csv --models nowhere
  "$tailrace" demo photos --models nowhere >out.txt 2>err.txt
  if [ $? = 3 ]; then judge 3 '' 'tailrace: this build of tailrace decodes no pictures: install *' 3 'tailrace demo photos'
  else
    judge 2 '' 'tailrace: nowhere: is not a folder; python3 docs/models/export.py makes what the demo needs' 2 \
      'tailrace demo photos --models nowhere'
    expect 0 '*decode*lite0*lite2*top(k = 5, labels = "imagenet")*' '' explain "$docs/flows/photos.json"
    expect 2 '' 'tailrace: ./photos: holds no photographs; *' demo photos --models .
    expect 0 '*levels*each*pnet*suppress(overlap = 0.5)*rnet*onet*' '' explain "$docs/flows/faces.json"
    expect 2 '' 'tailrace: nowhere: holds no pnet.pt; python3 docs/models/export.py --only faces makes *' demo faces --models nowhere
    expect 2 '' 'tailrace: none.jpg: cannot be opened: *tailrace: none.png: cannot be opened: *' demo photos --models . none.jpg none.png
    expect 2 '' 'tailrace: ./lite0.pt: there is no such file*' demo photos --models . rows.csv
  fi
  expect 2 '' 'tailrace: ./speech/speech.wav: cannot be opened: *tailrace: python3 docs/models/export.py makes *' demo speech --models .
  expect 2 '' 'tailrace: rows.csv: not a WAV file' demo speech rows.csv
  mkdir models && printf 'not a model' >models/tiny.pt && printf 'x' >models/larg.pt
  expect 2 '' "tailrace: models/tiny.pt: *tailrace: models/large.pt: there is no such file for model 'large' (did you mean 'larg'?)" \
    run "$docs/flows/digits.json" --input rows.csv --models models
  expect 2 '' 'tailrace: /proc/nowhere*cannot be created*' demo digits --cache /proc/nowhere
fi

echo "$((checks - failures)) of $checks checks passed"
[ $failures = 0 ]
