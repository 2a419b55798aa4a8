#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

#include "conf/load.hpp"
#include "server/commands/command.hpp"
#include "storage/one_line.hpp"

namespace {

using server::Command;
using server::Flag;

constexpr Flag common_flags[]{
    {"--config", "FILE", "the configuration; /etc/apdepot/apdepot.yaml if that exists"},
    {"--depot", "DIR", "the depot, whatever the config says"},
    {"--help", "", "this text"}};

void print_flags(std::FILE* out, std::span<const Flag> flags) {
  for (const auto& flag : flags) {
    fmt::print(out, "  {:<24} {}\n", fmt::format("{} {}", flag.name, flag.value), flag.help);
  }
}

void print_help(std::FILE* out) {
  fmt::print(out,
             "apdepot serves access point images over TFTP and SFTP.\n\n"
             "  apdepot serve                     serve ./depot: drop a bundle into depot/drop\n"
             "  apdepot import BUNDLE.zip         publish a bundle\n"
             "  apdepot user add ewc              let a controller log in\n\n");
  for (const auto* each : server::commands()) {
    fmt::print(out, "  {:<36} {}\n", fmt::format("{} {}", each->name, each->usage), each->summary);
  }
  fmt::print(out, "\n");
  print_flags(out, common_flags);
}

void print_help(const Command& command) {
  fmt::print("apdepot {} {}\n{}\n\n", command.name, command.usage, command.summary);
  print_flags(stdout, command.flags);
  print_flags(stdout, common_flags);
}

std::vector<Flag> all_flags() {
  std::vector<Flag> all(std::begin(common_flags), std::end(common_flags));
  for (const auto* command : server::commands())
    all.insert(all.end(), command->flags.begin(), command->flags.end());
  return all;
}

const Command& find_command(const std::string& name) {
  const auto all = server::commands();
  const auto found = std::ranges::find(all, name, &Command::name);
  if (found == all.end()) throw server::UsageError(fmt::format("{} is no command", name));
  return **found;
}

void check_flags(const Command& command, const server::Arguments& arguments) {
  for (const auto& [name, value] : arguments.flags()) {
    const auto is_it = [&](const Flag& flag) { return flag.name == name; };
    if (std::ranges::none_of(command.flags, is_it) && std::ranges::none_of(common_flags, is_it)) {
      throw server::UsageError(fmt::format("{} is no flag of apdepot {}", name, command.name));
    }
  }
}

int run(std::span<char* const> words) {
  server::Arguments arguments(words, all_flags());
  if (arguments.words().empty()) {
    print_help(arguments.has("--help") ? stdout : stderr);
    return arguments.has("--help") ? 0 : 2;
  }
  const auto& command = find_command(arguments.take_word("COMMAND"));
  check_flags(command, arguments);
  if (arguments.has("--help")) {
    print_help(command);
    return 0;
  }
  return command.run(arguments);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(std::span(argv, static_cast<std::size_t>(argc)));
  } catch (const server::UsageError& e) {
    fmt::print(stderr, "apdepot: {}; `apdepot --help` shows how\n", e.what());
    return 2;
  } catch (const std::exception& e) {
    auto mistakes = conf::mistakes_of(e);
    for (auto& mistake : mistakes) mistake = storage::one_line(mistake);
    fmt::print(stderr, "apdepot: {}\n", fmt::join(mistakes, "\n"));
    return 1;
  }
}
