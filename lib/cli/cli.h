#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tailrace/core/clock.h"
#include "tailrace/core/problems.h"

// The program `tailrace`. Each command is one function that prints what it finds, and gives the exit code.
namespace tailrace::cli {

// Exit codes; `tailrace --help` lists them.
enum class Exit : int {
  fine = 0,
  some_failed = 1,    // some rows have no answer, or an answer was not the expected one
  bad_input = 2,      // a flag, a name, a file
  not_available = 3,  // this build has no LibTorch, or no decoders of pictures
};

struct DemoOptions {
  int seeds = 1;
  bool json = false;
  std::string cache;  // empty: the user's
  std::string data;   // empty: the repository's
  std::string flow;   // empty: the repository's
  unsigned threads = 0;
};
Exit demo_digits(const DemoOptions& options);

struct PhotosOptions {
  std::string models;               // folder of the networks; empty: the user's
  std::vector<std::string> photos;  // files; empty: those beside the networks
  std::string flow;                 // empty: the repository's
  std::string references;           // empty: the repository's, where no photos are named
  bool json = false;
  unsigned threads = 0;
};
Exit demo_photos(const PhotosOptions& options);

struct SpeechOptions {
  std::string models;      // folder of the network; empty: the user's
  std::string wav;         // empty: the one beside the network
  std::string references;  // empty: those beside the network, where no file is named
  std::size_t streams = 16;
  unsigned threads = 0;
};
Exit demo_speech(const SpeechOptions& options);

struct FacesOptions {
  std::string models;               // folder of the networks; empty: the user's
  std::vector<std::string> photos;  // files; empty: those beside the networks
  std::vector<std::string> flows;   // that are to find the same; empty: the repository's
  std::string references;           // empty: the repository's, where no photos are named
  std::string out;                  // a folder for pictures with the faces drawn in; empty: none
  bool openvino = false;            // runs the networks, from ONNX files; else LibTorch does, from TorchScript
  bool json = false;
  unsigned threads = 0;
};
Exit demo_faces(const FacesOptions& options);

struct ExplainOptions {
  std::string flow;
  std::string models;             // empty: models stay names
  std::string profile;            // empty: nothing is known of costs
  std::vector<std::string> with;  // passes that do what they would only propose
};
Exit explain_flow(const ExplainOptions& options);

struct RunOptions {
  std::string flow, models, input, profile;
  std::vector<std::string> with;  // as of explain
  std::size_t columns = 0;        // only so many numbers of each row; 0: all
  std::string within;             // "5ms"; empty: no deadline
  std::string trace, metrics;     // files to write; empty: none
  unsigned threads = 0;
};
Exit run_flow(const RunOptions& options);

struct MeasureFlowOptions {
  std::string flow, models, input, out;
  std::size_t columns = 0;  // only so many numbers of each row; 0: all
  double seconds = 2;
};
Exit measure_flow(const MeasureFlowOptions& options);

struct ProfileOptions {
  std::vector<std::string> models;  // FILE.pt, or NAME=FILE.pt
  std::string out;
  std::string data;    // rows to call with, and to judge by; empty: numbers drawn at random
  std::string labels;  // "last", the last number of each row, or a file with a label a row; empty: none
  std::string shape;   // of one row: "3,224,224"; empty: as data says
  double scale = 1;    // numbers of data are multiplied by it
  std::string batches = "1..64";
  std::vector<unsigned> threads{1};  // that a call computes with
  std::vector<std::string> devices{"cpu"};
  double seconds = 10;  // for each model, device and number of threads
  std::string picture;  // empty: none
  bool again = false;   // also what was measured before
};
Exit profile_models(const ProfileOptions& options);

// What the load of bench and simulate have in common.
struct LoadOptions {
  std::string flow, models, input, profile, arrivals;
  std::vector<std::string> with;  // as of explain
  std::size_t columns = 0;        // only so many numbers of each row; 0: all
  double seconds = 0;
  std::uint64_t requests = 0;  // that count, at most; 0: as many as arrive
  std::uint64_t warm_up = 0;
  std::uint64_t seed = 1;
  std::string within, goal;  // "5ms"; empty: none
  std::uint32_t max_in_flight = 1024;
  bool json = false;
  std::string raw, report;  // files to write; empty: none
};

struct BenchFlowOptions : LoadOptions {
  std::string against;               // another flow; empty: none
  std::vector<std::string> without;  // passes that the second system leaves out
  unsigned threads = 0, rounds = 12;
  double precise = 0;
};
Exit bench_flow(const BenchFlowOptions& options);

struct SimulateFlowOptions : LoadOptions {
  unsigned workers = 0;  // 0: as the profile's machine had
  bool untimed = false;  // stages that the profile does not know take no time
  std::string events;
};
Exit simulate_flow(const SimulateFlowOptions& options);

// A time such as "5ms", above zero; an empty text leaves it. Says what is wrong, and gives the exit code, otherwise.
std::optional<Exit> read_time_or_complain(const std::string& flag, const std::string& text, Duration& time);

// Says which of the passes that a flag names there is none of, and gives the exit code.
std::optional<Exit> check_passes(const std::string& flag, const std::vector<std::string>& names);

// The whole program: reads the command line and calls one of these.
int run_program(int argc, const char* const* argv);

// Prints every problem as one line, "tailrace: where: what", on standard error.
Exit complain(const Problems& problems, Exit exit = Exit::bad_input);
Exit complain(const std::string& what, Exit exit = Exit::bad_input);

}  // namespace tailrace::cli
