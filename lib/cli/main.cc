#include "cli/cli.h"

int main(int argc, char** argv) { return tailrace::cli::run_program(argc, argv); }
