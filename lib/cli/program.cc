// The command line: commands, flags, help and exit codes.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>

#include "cli/cli.h"
#include "cli/models.h"
#include "tailrace/load/arrivals.h"

namespace tailrace::cli {

namespace {

constexpr const char* footer = R"(Examples:
  tailrace demo digits                          train, explain, run and time a cascade of two networks
  tailrace demo digits --seeds 5 --json         the same over five seeds, for a program
  tailrace demo photos                          a cascade of three public networks on photographs
  tailrace demo speech                          a voice detector with a memory, over many streams at once
  tailrace demo faces                           finds faces in photographs, by three networks one after another
  tailrace explain docs/flows/digits.json       what a flow computes
  tailrace explain FLOW.json --models DIR       and how it will run with the models DIR/NAME.pt
  tailrace run FLOW.json --models DIR --input rows.csv
                                                one line of JSON for every row
  tailrace run FLOW.json --input rows.csv --trace t.json --metrics m.prom
                                                and what ran when and where, and how often and how long
  tailrace measure FLOW.json --input rows.csv --out P.json
                                                what its stages cost
  tailrace explain FLOW.json --profile P.json   and how it will run, decided by these costs
  tailrace profile A.pt B.pt --out models.json --shape 3,224,224
                                                what models take, by their number of rows; --models reads it
  tailrace bench FLOW.json --input rows.csv --arrivals poisson:2000 --seconds 20 --without fuse
                                                how it bears load, and what a pass is worth
  tailrace simulate FLOW.json --input rows.csv --profile P.json --arrivals poisson:200 --report out.html
                                                how it would, on a virtual clock
  tailrace COMMAND --help                       the flags of a command

Exit codes:
  0  fine
  1  some rows have no answer (their lines say why)
  2  a flag, a name or a file is wrong (one line on standard error says which, and where)
  3  not available in this build: it has no LibTorch, or decodes no pictures
)";

constexpr const char* run_footer =
    R"(A flow is a JSON file, as docs/flows/digits.json. It may use the stages scale, softmax, arg_max and top, the exit test margin,
and models; model NAME is the TorchScript file DIR/NAME.pt, which takes [1, ...] and gives [1, ...] of float32. Input is CSV (numbers
between commas, a line a row) or NumPy's .npy ([rows, ...]); values become float32. Answers come in the order of rows:
  {"row":0,"label":3,"rung":0}                                    arg_max gives a label; "rung" says who answered a cascade
  {"row":1,"values":[0.1,0.9]}                                    a flow that ends in a tensor
  {"row":1,"top":[{"index":1,"label":"dog","score":0.9},...]}     one that ends in top
  {"row":2,"error":{"code":"deadline_missed","where":"","what":"..."}}

Examples (the demo prints the folder of its networks as FOLDER/digits.json):
  tailrace run FOLDER/digits.json --models FOLDER --input docs/data/digits.csv --columns 64
  head -3 rows.csv | tailrace run FLOW.json --models DIR --input - --within 5ms
)";

constexpr const char* measure_footer =
    R"(Runs every stage, model and arm of a flow over the rows, one after another, and writes the times that each took: the profile
that explain reads. A flow and its input are what run takes. Stages that fail on a row are named, and do not end it.
Take it on the machine that the flow will run on, with nothing else running there.
)";

constexpr const char* profile_footer =
    R"(Measures what each model takes: loading, first calls, calls by their number of rows (in rounds that call every size, so that
what disturbs the machine disturbs all alike), memory, what several callers get through together and, with labels, how
often it is right. Writes all of it to --out, where --models of the other commands reads it. Models that stand in --out
already, unchanged, are not measured again: a command that was ended goes on when it is given again.
A model is FILE.pt, which takes [n, ...] of float32; its name in flows is the file's name without .pt, or NAME of NAME=FILE.pt.
Take it on the machine that the models will run on, with nothing else running there.

Examples:
  tailrace profile tiny.pt large.pt --out models.json --shape 64 --picture t.svg
  tailrace profile digit=tiny.pt digit=large.pt --out models.json --data docs/data/digits.csv --labels last --scale 0.0625
  tailrace explain FLOW.json --models models.json
)";

constexpr const char* demo_footer = R"(What happens:
  1. The images are split by a fixed permutation: 60 % train, 20 % choose the threshold, 20 % test.
  2. Both networks are trained with LibTorch, or taken from the cache.
  3. The exit threshold is chosen, and written into a copy of the flow beside the networks.
  4. The flow is read from that copy, optimised, and explained.
  5. The engine's answers are compared with the same steps done by hand; then all are timed, in turn, in many rounds.
The speed-up to expect is 0.8 / (t_tiny / t_large + share of images that the large network looks at).
)";

constexpr const char* photos_footer =
    R"(The networks (EfficientNet-Lite 0, 1 and 2) and five photographs are fetched and exported once, by
  python3 docs/models/export.py
What happens:
  1. The flow is read from JSON: decode, a cascade of resize, crop, normalise and network, softmax, top.
  2. Every network answers every photograph, and the stages are measured.
  3. The plan is made with these costs, and explained; its engine answers every photograph.
  4. What each network said is compared with what the Python original said: probabilities within 1e-4.

Examples:
  tailrace demo photos
  tailrace demo photos cat.jpg dog.png --json
)";

constexpr const char* speech_footer = R"(The network (Silero VAD) and a recording are fetched and made once, by
  python3 docs/models/export.py
Each stream has a state of its own. Every stream is heard alone, then all of them at once: the answers must be the same,
bit for bit, and within 1e-4 of what the Python original says.
)";

constexpr const char* faces_footer =
    R"(The networks (MTCNN's P-net, R-net and O-net) and the photographs are fetched and exported once, by
  python3 docs/models/export.py --only faces
The flow looks at each photograph in several sizes with the first network, shows what that finds to the second one, and
what is left to the third: docs/flows/faces.json. docs/flows/faces_batches.json is the same with 64 candidates to a call.
Both must find the same, and what the Python original found, within 1e-4 of each value, by LibTorch and by OpenVINO.

Examples:
  tailrace demo faces --out pictures
  tailrace demo faces party.jpg --out pictures
)";

constexpr const char* bench_footer =
    R"(Sends rows to a live engine at the times that --arrivals says, whatever becomes of those before, and counts latencies from
the time at which a row was to be sent. Rows are taken in turn. Arrivals:
  poisson:2000    mmpp:4000,500,200ms,1s (rates, and how long each is kept)    step:500@0s,2000@10s
  csv:FILE#COLUMN (times in seconds)    closed:8,5ms (clients, and how long each thinks)
With --against, --without or both two systems are compared in one run, in turns; the other one is --against's flow, or the
same flow, planned without those passes. Ratios come with the 95 % interval of their median over the rounds.
The engine needs processors of its own, and so does the sender: the last line says how late that was and what others used.

Examples:
  tailrace bench FLOW.json --input rows.csv --arrivals poisson:2000 --seconds 20
  tailrace bench FLOW.json --input rows.csv --arrivals poisson:2000 --without fuse --within 5ms --report out.html
)";

constexpr const char* simulate_footer =
    R"(Runs the flow on a virtual clock: real stages and models answer the rows, in turn, so that cascades exit as they would, and
each takes the time that a profile says (tailrace measure), on one of --workers. Without --profile the stages are measured
first, for about two seconds. One seed and one profile give one result, everywhere. --arrivals are those of tailrace bench.

Examples:
  tailrace measure FLOW.json --input rows.csv --out P.json
  tailrace simulate FLOW.json --input rows.csv --profile P.json --arrivals poisson:200 --seconds 60 --workers 4
)";

constexpr const char* models_help = "Folder of a NAME.pt for each model of the flow, or the file of tailrace profile";

struct Given {
  DemoOptions digits;
  PhotosOptions photos;
  SpeechOptions speech;
  FacesOptions faces;
  ExplainOptions explain;
  RunOptions run;
  MeasureFlowOptions measure;
  ProfileOptions profile;
  BenchFlowOptions bench;
  SimulateFlowOptions simulate;
};

// A range that the help does not spell out.
CLI::Validator between(int least, int most) { return CLI::Range(least, most).description(""); }

void add_threads(CLI::App& command, unsigned& threads) {
  command.add_option("--threads", threads, "Threads of the engine (default: as many as this process may use)")
      ->check(between(1, 1024))
      ->type_name("N");
}

// The folder of what docs/models/export.py has made.
void add_exported(CLI::App& demo, std::string& models, const std::string& what) {
  demo.add_option("--models", models,
                  "The " + what + " (default: $XDG_CACHE_HOME/tailrace/models or ~/.cache/tailrace/models)")
      ->type_name("DIR");
}

void add_digits(CLI::App& demo, DemoOptions& o) {
  auto* digits =
      demo.add_subcommand("digits",
                          "Trains a tiny and a large network on handwritten digits (once: they are kept), and lets a\n"
                          "cascade answer with the tiny one where it is sure and with the large one elsewhere");
  digits->add_option("--seeds", o.seeds, "Train and measure with so many seeds, and give the mean (default: 1)")
      ->check(between(1, 100))
      ->type_name("N");
  digits->add_flag("--json", o.json, "Print the figures as JSON");
  digits
      ->add_option(
          "--cache", o.cache,
          "Keep the networks in this folder (default: $XDG_CACHE_HOME/tailrace/demo or ~/.cache/tailrace/demo)")
      ->type_name("DIR");
  digits
      ->add_option("--data", o.data,
                   "CSV of 64 pixels, 0..16, and the digit (default: docs/data/digits.csv of the source folder)")
      ->type_name("FILE");
  digits->add_option("--flow", o.flow, "The flow (default: docs/flows/digits.json of the source folder)")
      ->type_name("FILE");
  add_threads(*digits, o.threads);
  digits->footer(demo_footer);
}

void add_photos(CLI::App& demo, PhotosOptions& o) {
  auto* photos =
      demo.add_subcommand("photos",
                          "Says what is in photographs, by a cascade of three networks, each larger than the\n"
                          "one before it, and what each of them says and costs");
  photos->add_option("PHOTO", o.photos, "JPEG or PNG files (default: DIR/photos/*)")->type_name("");
  add_exported(*photos, o.models, "networks");
  photos->add_flag("--json", o.json, "Print the figures as JSON");
  photos->add_option("--flow", o.flow, "The flow (default: docs/flows/photos.json of the source folder)")
      ->type_name("FILE");
  photos
      ->add_option("--references", o.references,
                   "Recorded answers (default: docs/models/photos.json of the source folder, unless PHOTOs are named)")
      ->type_name("FILE");
  add_threads(*photos, o.threads);
  photos->footer(photos_footer);
}

void add_speech(CLI::App& demo, SpeechOptions& o) {
  auto* speech =
      demo.add_subcommand("speech",
                          "Says where a voice speaks in a recording, with a network that remembers what came\n"
                          "before, in one stream and in many at once");
  speech->add_option("WAV", o.wav, "One channel of 16 bits at 16 kHz (default: DIR/speech/speech.wav)")->type_name("");
  add_exported(*speech, o.models, "network");
  speech->add_option("--references", o.references, "Recorded answers, as CSV (default: those of speech.wav)")
      ->type_name("FILE");
  speech->add_option("--streams", o.streams, "Streams at once (default: 16)")->check(between(1, 512))->type_name("N");
  add_threads(*speech, o.threads);
  speech->footer(speech_footer);
}

void add_faces(CLI::App& demo, FacesOptions& o) {
  auto* faces = demo.add_subcommand("faces",
                                    "Finds faces in photographs with three networks, each of which looks at what the\n"
                                    "one before it has found, and draws them");
  faces->add_option("PHOTO", o.photos, "JPEG or PNG files (default: DIR/photos/* and DIR/faces/*)")->type_name("");
  add_exported(*faces, o.models, "networks");
  faces->add_option("--out", o.out, "Write each photograph with its faces drawn in into this folder")->type_name("DIR");
  faces->add_flag("--json", o.json, "Print the faces and figures as JSON");
  faces->add_flag("--openvino", o.openvino, "Let OpenVINO run the networks, from ONNX files (default: LibTorch)");
  faces
      ->add_option("--flow", o.flows,
                   "Flows that are to find the same (default: docs/flows/faces.json and faces_batches.json)")
      ->allow_extra_args(false)
      ->type_name("FILE");
  faces
      ->add_option("--references", o.references,
                   "Recorded faces (default: docs/models/faces.json of the source folder, unless PHOTOs are named)")
      ->type_name("FILE");
  add_threads(*faces, o.threads);
  faces->footer(faces_footer);
}

void add_demo(CLI::App& app, Given& given) {
  auto* demo = app.add_subcommand("demo", "Shows Tailrace at work: tailrace demo digits, photos, speech or faces");
  demo->require_subcommand(1);
  add_digits(*demo, given.digits);
  add_photos(*demo, given.photos);
  add_speech(*demo, given.speech);
  add_faces(*demo, given.faces);
}

void add_with(CLI::App& command, std::vector<std::string>& with) {
  command.add_option("--with", with, "Do what this pass would only propose, such as race; more than once")
      ->allow_extra_args(false)
      ->type_name("PASS");
}

void add_explain(CLI::App& app, ExplainOptions& o) {
  auto* explain =
      app.add_subcommand("explain", "Prints what a flow computes and, given its models, how it will run and why");
  explain->add_option("FLOW", o.flow, "The flow, a JSON file")->required()->type_name("");
  explain->add_option("--models", o.models, models_help)->type_name("DIR");
  explain->add_option("--profile", o.profile, "What its stages cost, as measured by tailrace measure")
      ->type_name("FILE");
  add_with(*explain, o.with);
}

void add_measure(CLI::App& app, MeasureFlowOptions& o) {
  auto* measure = app.add_subcommand("measure", "Measures what the stages of a flow cost, for explain");
  measure->add_option("FLOW", o.flow, "The flow, a JSON file")->required()->type_name("");
  measure->add_option("--input", o.input, "CSV or .npy; - is CSV on standard input")->required()->type_name("FILE");
  measure->add_option("--out", o.out, "Where the profile is written, as JSON")->required()->type_name("FILE");
  measure->add_option("--models", o.models, models_help)->type_name("DIR");
  measure->add_option("--columns", o.columns, "Use only the first so many numbers of each row")
      ->check(between(1, 1 << 30))
      ->type_name("N");
  measure->add_option("--seconds", o.seconds, "About how long it may take (default: 2)")
      ->check(CLI::Range(0., 86400.).description(""))
      ->type_name("S");
  measure->footer(measure_footer);
}

void add_profile(CLI::App& app, ProfileOptions& o) {
  auto* profile = app.add_subcommand("profile", "Measures models: what calls take by their number of rows, and more");
  profile->add_option("MODEL", o.models, "TorchScript files: FILE.pt, or NAME=FILE.pt")->required()->type_name("");
  profile->add_option("--out", o.out, "Where the profiles are kept, as JSON")->required()->type_name("FILE");
  profile->add_option("--data", o.data, "Rows to call with: CSV or .npy (default: random numbers)")->type_name("FILE");
  profile->add_option("--labels", o.labels, "last: the last number of each row; or a file with a label for each row")
      ->type_name("FILE");
  profile->add_option("--shape", o.shape, "Of one row, such as 64 or 3,224,224 (default: as rows are)")
      ->type_name("N,..");
  profile->add_option("--scale", o.scale, "Numbers of --data are multiplied by it")->type_name("BY");
  profile->add_option("--batches", o.batches, "Numbers of rows: 1..N, or a list (default: 1..64)")->type_name("N..");
  profile->add_option("--threads", o.threads, "That a call computes with; a list (default: 1)")
      ->delimiter(',')
      ->check(between(1, 1024))
      ->type_name("N,..");
  profile->add_option("--devices", o.devices, "A list (default: cpu)")->delimiter(',')->type_name("NAME,..");
  profile->add_option("--seconds", o.seconds, "About how long each may take (default: 10)")
      ->check(CLI::Range(.01, 86400.).description(""))
      ->type_name("S");
  profile->add_option("--picture", o.picture, "Draw the times, as SVG")->type_name("FILE");
  profile->add_flag("--again", o.again, "Measure what was measured before, too");
  profile->footer(profile_footer);
}

void add_run(CLI::App& app, RunOptions& o) {
  auto* run = app.add_subcommand("run", "Answers rows of numbers with a flow: one line of JSON for each");
  run->add_option("FLOW", o.flow, "The flow, a JSON file")->required()->type_name("");
  run->add_option("--input", o.input, "CSV or .npy; - is CSV on standard input")->required()->type_name("FILE");
  run->add_option("--models", o.models, models_help)->type_name("DIR");
  run->add_option("--columns", o.columns, "Use only the first so many numbers of each row")
      ->check(between(1, 1 << 30))
      ->type_name("N");
  run->add_option("--profile", o.profile, "What its stages cost, as measured by tailrace measure")->type_name("FILE");
  add_with(*run, o.with);
  run->add_option("--within", o.within, "Deadline of each row: 5ms, 0.2s, 300us (default: none)")->type_name("TIME");
  run->add_option("--trace", o.trace, "Write what ran when and where, to be opened at ui.perfetto.dev")
      ->type_name("FILE");
  run->add_option("--metrics", o.metrics, "Write counts and times, as Prometheus reads them")->type_name("FILE");
  add_threads(*run, o.threads);
  run->footer(run_footer);
}

void add_load(CLI::App& command, LoadOptions& o, double seconds) {
  o.seconds = seconds;
  command.add_option("FLOW", o.flow, "The flow, a JSON file")->required()->type_name("");
  command.add_option("--input", o.input, "CSV or .npy; - is CSV on standard input")->required()->type_name("FILE");
  command.add_option("--arrivals", o.arrivals, "When requests come, such as poisson:2000: see below")
      ->required()
      ->type_name("WHEN");
  command.add_option("--models", o.models, models_help)->type_name("DIR");
  command.add_option("--profile", o.profile, "What its stages cost, as measured by tailrace measure")
      ->type_name("FILE");
  add_with(command, o.with);
  command.add_option("--columns", o.columns, "Use only the first so many numbers of each row")
      ->check(between(1, 1 << 30))
      ->type_name("N");
  command.add_option("--seconds", o.seconds, "Nothing is sent later")
      ->check(CLI::Range(.001, 1e6).description(""))
      ->type_name("S");
  command.add_option("--requests", o.requests, "At most so many count (default: all that come)")->type_name("N");
  command.add_option("--warm-up", o.warm_up, "So many more before them, which do not count")->type_name("N");
  command.add_option("--seed", o.seed, "Of the arrivals, and of simulated times (default: 1)")->type_name("N");
  command.add_option("--within", o.within, "Deadline of each request: 5ms, 0.2s, 300us (default: none)")
      ->type_name("TIME");
  command.add_option("--goal", o.goal, "Answers within it are good (default: the deadline)")->type_name("TIME");
  command.add_option("--max-in-flight", o.max_in_flight, "Further requests are refused (default: 1024)")
      ->check(between(1, 1 << 20))
      ->type_name("N");
  command.add_flag("--json", o.json, "Print the figures as JSON");
  command.add_option("--raw", o.raw, "Write one line for each request, as CSV")->type_name("FILE");
  command.add_option("--report", o.report, "Write a page with the plan and charts, as HTML")->type_name("FILE");
}

void add_bench(CLI::App& app, BenchFlowOptions& o) {
  auto* bench = app.add_subcommand("bench", "Loads a live engine with a flow, and measures what becomes of requests");
  add_load(*bench, o, 20);
  bench->add_option("--against", o.against, "Compare with this flow")->type_name("FILE");
  bench->add_option("--without", o.without, "Compare with a plan made without this pass; more than once")
      ->allow_extra_args(false)
      ->type_name("PASS");
  bench->add_option("--rounds", o.rounds, "Of a comparison (default: 12)")->check(between(6, 1000))->type_name("N");
  bench->add_option("--precise", o.precise, "End when the p99's interval is narrower than this share of it")
      ->check(CLI::Range(0., 1.).description(""))
      ->type_name("SHARE");
  add_threads(*bench, o.threads);
  bench->footer(bench_footer);
}

void add_simulate(CLI::App& app, SimulateFlowOptions& o) {
  auto* simulate = app.add_subcommand("simulate", "Simulates a flow under load, with the times of a profile");
  add_load(*simulate, o, 60);
  simulate->add_option("--workers", o.workers, "Stages that run at a time (default: as the profile's machine had)")
      ->check(between(1, 100000))
      ->type_name("N");
  simulate->add_flag("--untimed", o.untimed, "Stages that the profile does not know take no time");
  simulate->add_option("--events", o.events, "Write what happens, as CSV")->type_name("FILE");
  simulate->footer(simulate_footer);
}

// The command that the words so far lead to: what a mistake is about.
const CLI::App& innermost(const CLI::App& app) {
  const auto chosen = app.get_subcommands();
  return chosen.empty() ? app : innermost(*chosen.front());
}

// "unknown flag '--sede' (did you mean '--seeds'?)"
std::string unexpected_in_words(const CLI::App& command, const std::string& word) {
  std::vector<std::string> known;
  const bool flag = word.starts_with('-') && word != "-";
  if (flag) {
    for (const auto* option : command.get_options({}))
      for (const auto& name : option->get_lnames()) known.push_back("--" + name);
  } else {
    for (const auto* sub : command.get_subcommands({})) known.push_back(sub->get_name());
  }
  const std::string what = flag ? "unknown flag " : known.empty() ? "unexpected word " : "unknown command ";
  return what + "'" + word.substr(0, 80) + "'" + nearest_hint(word.substr(0, word.find('=')), known);
}

std::string path_of(const CLI::App& command) {
  return command.get_parent() ? path_of(*command.get_parent()) + " " + command.get_name() : command.get_name();
}

Exit complain_of(const CLI::App& app, const CLI::ParseError& error) {
  const auto& command = innermost(app);
  const auto unexpected = app.remaining(true);
  std::string what = unexpected.empty() ? error.what() : unexpected_in_words(command, unexpected.front());
  for (char& c : what)
    if (c == '\n') c = ' ';
  if (what == "A subcommand is required")
    what = command.get_parent() ? "demo of what? digits, photos, speech or faces" : "no command given";
  return complain(what + "; see " + path_of(command) + " --help");
}

Exit dispatch(const CLI::App& app, const Given& given) {
  const std::string command = app.get_subcommands().front()->get_name();
  if (command == "demo") {
    const std::string demo = innermost(app).get_name();
    return demo == "photos"   ? demo_photos(given.photos)
           : demo == "speech" ? demo_speech(given.speech)
           : demo == "faces"  ? demo_faces(given.faces)
                              : demo_digits(given.digits);
  }
  if (command == "explain") return explain_flow(given.explain);
  if (command == "measure") return measure_flow(given.measure);
  if (command == "profile") return profile_models(given.profile);
  if (command == "bench") return bench_flow(given.bench);
  if (command == "simulate") return simulate_flow(given.simulate);
  return run_flow(given.run);
}

}  // namespace

int run_program(int argc, const char* const* argv) {
  try {
    Given given;
    CLI::App app("Inference pipelines inside one process: what they compute, explained before it runs.", "tailrace");
    app.set_version_flag("--version", std::string("tailrace " TAILRACE_VERSION) +
                                          (have_torch() ? ", with LibTorch" : ", without LibTorch"));
    app.set_help_flag("--help,-h", "Print this help");
    app.require_subcommand(1);
    add_demo(app, given);
    add_explain(app, given.explain);
    add_run(app, given.run);
    add_measure(app, given.measure);
    add_profile(app, given.profile);
    add_bench(app, given.bench);
    add_simulate(app, given.simulate);
    app.footer(footer);  // last: commands would inherit it
    try {
      app.parse(argc, argv);
    } catch (const CLI::Success& help) {
      return app.exit(help);
    } catch (const CLI::ParseError& error) {
      return static_cast<int>(complain_of(app, error));
    }
    return static_cast<int>(dispatch(app, given));
  } catch (const std::exception& e) {
    return static_cast<int>(complain(std::string("stopped: ") + e.what()));
  }
}

std::optional<Exit> read_time_or_complain(const std::string& flag, const std::string& text, Duration& time) {
  if (text.empty()) return std::nullopt;
  const auto read = load::read_duration(text);
  if (!read || *read == Duration{})
    return complain(flag + " takes a time such as 5ms, 0.2s or 300us, got '" + text + "'");
  time = *read;
  return std::nullopt;
}

Exit complain(const std::string& what, Exit exit) {
  std::fprintf(stderr, "tailrace: %s\n", what.c_str());
  return exit;
}

Exit complain(const Problems& problems, Exit exit) {
  for (const auto& p : problems.list()) complain(p.where.empty() ? p.what : p.where + ": " + p.what, exit);
  return exit;
}

}  // namespace tailrace::cli
