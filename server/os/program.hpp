#pragma once
#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace server {

// What a program of this host printed to stdout, and how it ended.
struct ProgramOutput {
  int status = 0;  // its exit status; -1 where a signal ended it
  std::string text;
};

// Runs a program of the system, such as {"nft", "-j", "list", "ruleset"}, to its end. It is looked for where
// the system's programs are, and never in PATH; it reads nothing, and what it prints to stderr is dropped.
// Nothing where there is no such program, where it takes longer than `patience` or prints more than `most`
// bytes, which ends it. Blocks: for commands.
std::optional<ProgramOutput> run_program(const std::vector<std::string>& words,
                                         std::chrono::milliseconds patience, std::size_t most);
// Whether this host has a program of that name.
bool has_program(const std::string& name);

}  // namespace server
