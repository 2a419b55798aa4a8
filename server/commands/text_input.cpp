#include "server/commands/text_input.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <fstream>
#include <iostream>
#include <iterator>
#include <stdexcept>
#include <system_error>

#include "storage/files/path_text.hpp"

namespace server {
namespace {

constexpr std::size_t most = 64 << 20;

std::string read(std::istream& in, const std::string& name) {
  std::string text(most + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(in.gcount()));
  if (text.size() <= most) return text;
  throw std::runtime_error(
      fmt::format("{} is larger than 64 MiB: give only the part that is about images", name));
}

}  // namespace

std::string read_text(const std::string& name) {
  if (name == "-") return read(std::cin, "the input");
  std::ifstream file(storage::path_of(name), std::ios::binary);
  if (!file)
    throw std::runtime_error(fmt::format("cannot read {}: {}", name, std::generic_category().message(errno)));
  return read(file, name);
}

}  // namespace server
