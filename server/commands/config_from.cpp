#include "server/commands/config_from.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <expected>
#include <filesystem>
#include <fstream>
#include <system_error>
#include <vector>

#include "conf/foreign/text.hpp"
#include "conf/foreign/translation.hpp"
#include "conf/load.hpp"
#include "conf/print.hpp"
#include "server/text/escape.hpp"
#include "storage/files/folder.hpp"
#include "storage/files/path_text.hpp"

namespace server {
namespace {

namespace fs = std::filesystem;
using conf::foreign::Remark;

constexpr std::uintmax_t most_bytes = 1 << 20;  // of a configuration
constexpr std::size_t most_files = 1000;        // of a folder
constexpr std::size_t line_width = 110;

// A device or a pipe could be endless.
std::expected<std::string, std::string> read_file(const std::string& name) {
  const auto file = storage::path_of(name);
  std::error_code error;
  const auto status = fs::status(file, error);
  if (error) return std::unexpected(error.message());
  if (!fs::is_regular_file(status)) return std::unexpected("it is not a file");
  std::ifstream in(file, std::ios::binary);
  if (!in) return std::unexpected(std::error_code(errno, std::generic_category()).message());
  std::string text(most_bytes + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(in.gcount()));
  if (text.size() > most_bytes) return std::unexpected("it has more than 1 MiB");
  return text;
}

std::vector<std::string> matching_files(const std::string& pattern) {
  const auto path = storage::path_of(pattern);
  std::vector<std::string> found;
  std::error_code error;
  storage::FolderReader files(path.parent_path(), error);
  while (const auto file = files.next()) {
    if (found.size() < most_files && conf::foreign::fits(storage::utf8_of(path.filename()), file->name))
      found.push_back(storage::utf8_of(file->path));
  }
  std::ranges::sort(found);
  return found;
}

// Comment lines of at most line_width, broken at blanks.
void add_comment(std::string& out, std::string_view text) {
  std::string_view begin = "# ";
  while (!text.empty()) {
    auto end = text.size();
    if (begin.size() + end > line_width) {
      const auto blank = text.rfind(' ', line_width - begin.size());
      const auto next = text.find(' ');
      end = blank != text.npos && blank > 0 ? blank : std::min(next, text.size());
    }
    out += fmt::format("{}{}\n", begin, text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    begin = "#     ";
  }
}

std::string text_of(const Remark& remark) {
  const auto text = escaped(remark.text, most_of_ours);
  const auto& [file, line] = remark.place;
  if (line == 0 && file.empty()) return text;
  if (line == 0) return fmt::format("{}: {}", escaped(file), text);
  if (file.empty()) return fmt::format("line {}: {}", line, text);
  return fmt::format("{} line {}: {}", escaped(file), line, text);
}

}  // namespace

std::string config_from(const std::string& file) {
  const auto text = read_file(file);
  if (!text) throw conf::ConfigError(fmt::format("cannot read {}: {}", file, text.error()));
  const auto translation = conf::foreign::translate(*text, file, {read_file, matching_files});
  std::string out;
  add_comment(out,
              fmt::format("What {} does by {}, made by `apdepot config from`. Read the lines that follow: "
                          "they say what differs, what has no equivalent, and what is left to do.",
                          translation.program, escaped(file, most_of_ours)));
  for (const auto& remark : translation.remarks) add_comment(out, text_of(remark));
  return out + conf::to_short_yaml(translation.settings);
}

}  // namespace server
