#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdio>

#include "conf/load.hpp"
#include "server/commands/command.hpp"
#include "server/os/command_line.hpp"
#include "server/os/host_text.hpp"
#include "server/os/service_manager.hpp"
#include "server/text/escape.hpp"
#include "server/text/json.hpp"
#include "storage/archives/reader_process.hpp"
#include "storage/files/path_text.hpp"

namespace {

using server::Command;
using server::Flag;

const std::string config_help =
    fmt::format("the configuration; {} if that exists", storage::utf8_of(server::host::usual_config()));
const Flag common_flags[]{{"--config", "FILE", config_help},
                          {"--depot", "DIR", "the depot, whatever the config says"},
                          {"--help", "", "this text; -h does the same"},
                          {"--version", "", "the version, as `apdepot version`; -V does the same"}};
constexpr Flag short_flags[]{{"-h", "", ""}, {"-V", "", ""}};

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

std::string json_list(std::span<const Flag> flags) {
  std::vector<std::string> list;
  for (const auto& flag : flags) {
    server::JsonObject object;
    object.add("name", flag.name);
    object.add("value", flag.value);
    object.add("help", flag.help);
    list.push_back(object.text());
  }
  return fmt::format("[{}]", fmt::join(list, ","));
}

// For the manual and the completion of shells, which are made from it.
void print_help_as_json() {
  std::vector<std::string> list;
  for (const auto* each : server::commands()) {
    server::JsonObject object;
    object.add("name", each->name);
    object.add("usage", each->usage);
    object.add("summary", each->summary, server::whole);
    object.add_raw("flags", json_list(each->flags));
    list.push_back(object.text());
  }
  fmt::print("{{\"commands\":[{}],\"flags\":{}}}\n", fmt::join(list, ",\n"), json_list(common_flags));
}

void print_help(const Command& command) {
  fmt::print("apdepot {} {}\n{}\n\n", command.name, command.usage, command.summary);
  print_flags(stdout, command.flags);
  print_flags(stdout, common_flags);
}

std::vector<Flag> all_flags() {
  std::vector<Flag> all(std::begin(common_flags), std::end(common_flags));
  all.insert(all.end(), std::begin(short_flags), std::end(short_flags));
  for (const auto* command : server::commands())
    all.insert(all.end(), command->flags.begin(), command->flags.end());
  return all;
}

const Command& find_command(const std::string& name) {
  const auto all = server::commands();
  const auto found = std::ranges::find(all, name, &Command::name);
  if (found == all.end()) throw server::UsageError(fmt::format("{} is not a command", name));
  return **found;
}

void check_flags(const Command& command, const server::Arguments& arguments) {
  for (const auto& [name, value] : arguments.flags()) {
    const auto is_it = [&](const Flag& flag) { return flag.name == name; };
    if (std::ranges::none_of(command.flags, is_it) && std::ranges::none_of(common_flags, is_it) &&
        std::ranges::none_of(short_flags, is_it)) {
      throw server::UsageError(fmt::format("{} is not a flag of apdepot {}", name, command.name));
    }
  }
}

int run(std::span<char* const> words) {
  server::Arguments arguments(words, all_flags());
  const bool help = arguments.has("--help") || arguments.has("-h");
  if (!help && (arguments.has("--version") || arguments.has("-V"))) {
    server::Arguments none(words.first(1), {});
    return server::version_command.run(none);
  }
  if (arguments.words().empty()) {
    if (help && arguments.has("--json")) {
      print_help_as_json();
      return 0;
    }
    print_help(help ? stdout : stderr);
    return help ? 0 : 2;
  }
  const auto& command = find_command(arguments.take_word("COMMAND"));
  check_flags(command, arguments);
  if (help) {
    print_help(command);
    return 0;
  }
  return command.run(arguments);
}

// What a message repeats is a word of the command line, or of a file: it is escaped, and a mistake a line.
void print_error(const std::exception& error, std::string_view more = "") {
  std::string text = "apdepot: ";
  for (const auto& mistake : conf::mistakes_of(error)) text += server::escaped(mistake, server::whole) + "\n";
  text.insert(text.size() - 1, more);
  std::fputs(text.c_str(), stderr);  // if nobody reads it, the exit status still says it
}

int status_of(std::span<char* const> words) try { return run(words); } catch (const server::UsageError& e) {
  print_error(e, "; `apdepot --help` shows how");
  return 2;
} catch (const server::Unstartable& e) {
  print_error(e);
  return server::Unstartable::exit_status;
} catch (const std::exception& e) {
  print_error(e);
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  const server::CommandLine line(argc, argv);
  const auto words = line.words();
  if (words.size() > 1 && words[1] == storage::read_archive_word) storage::read_archive(words.subspan(2));
  server::hold_standard_streams();
  const int status = status_of(words);
  if (status != 0) line.let_read();
  return status;
}
