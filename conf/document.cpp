#include "conf/document.hpp"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <iterator>
#include <sstream>
#include <system_error>

#include "conf/config_error.hpp"
#include "storage/files/file_text.hpp"
#include "storage/files/path_text.hpp"
#include "storage/files/plain_file.hpp"

namespace conf {
namespace fs = std::filesystem;
namespace {

[[noreturn]] void fail(const std::string& name, std::ptrdiff_t line, std::string_view text) {
  throw ConfigError(fmt::format("{}:{}: {}", name, line, text));
}

[[noreturn]] void cannot_read(const fs::path& file, std::string_view reason) {
  throw ConfigError(fmt::format("cannot read {}: {}", storage::utf8_of(file), reason));
}

// yaml-cpp takes the byte 0x04 for the end of the file, and would drop the rest without a word.
void refuse_control_bytes(std::string_view text, const std::string& name) {
  const auto is_control = [](unsigned char c) { return c < 0x20 && c != '\t' && c != '\n' && c != '\r'; };
  const auto found = std::ranges::find_if(text, is_control);
  if (found == text.end()) return;
  fail(name, 1 + std::count(text.begin(), found, '\n'),
       fmt::format("holds the byte 0x{:02x}; save the file as plain text in UTF-8",
                   static_cast<unsigned>(*found)));
}

// After a colon yaml-cpp may quote the file, which may hold a secret.
std::string without_quote(const std::string& message) { return message.substr(0, message.find(": ")); }

// yaml-cpp calls a tab at the beginning of a line by many names.
bool begins_with_tab(std::string_view text, int line) {
  while (line-- > 0) text.remove_prefix(std::min(text.find('\n') + 1, text.size()));
  const auto first = text.find_first_not_of(' ');
  return first != text.npos && text[first] == '\t';
}

// Where the last document began.
struct DocumentStart : YAML::EventHandler {
  int line = 0;

  void OnDocumentStart(const YAML::Mark& mark) override { line = mark.line + 1; }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
  void OnAlias(const YAML::Mark&, YAML::anchor_t) override {}
  void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t, const std::string&) override {}
  void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {
  }
  void OnMapEnd() override {}
};

// YAML::Load drops what follows the first document, and YAML::LoadAll never comes back from a file that
// begins with a comma: to yaml-cpp that is endless empty documents.
void refuse_second_document(std::string_view text, const std::string& name) {
  std::istringstream stream{std::string(text)};
  YAML::Parser parser(stream);
  DocumentStart start;
  if (!parser.HandleNextDocument(start) || !parser.HandleNextDocument(start)) return;
  fail(name, start.line,
       "a second document begins here; remove the line \"---\" or \"...\", or a stray comma or bracket");
}

// A regular file by a handle that lets others replace it meanwhile: on Windows a stream does not. Nothing for
// what only a stream reads: what a link leads to, a pipe, a file of the kernel's.
std::optional<std::string> read_plain(const fs::path& file) {
  const auto opened = storage::open_without_links(file);
  if (!opened || opened->at_open().size == 0) return std::nullopt;
  return storage::text_of(*opened, opened->at_open().size);
}

}  // namespace

std::optional<std::string> read_whole(const fs::path& file) try {
  std::error_code error;
  const auto status = fs::status(file, error);
  if (status.type() == fs::file_type::not_found) return std::nullopt;
  if (error) cannot_read(file, error.message());
  if (fs::is_directory(status)) cannot_read(file, "it is a folder");
  if (auto text = read_plain(file)) return text;
  std::ifstream stream(file, std::ios::binary);
  if (!stream.is_open()) cannot_read(file, std::generic_category().message(errno));
  return std::string{std::istreambuf_iterator<char>(stream), {}};
} catch (const std::system_error& error) {  // a stream's failure, too
  cannot_read(file, error.code().message());
}

YAML::Node parse_document(std::string_view text, const std::string& name) try {
  refuse_control_bytes(text, name);
  refuse_second_document(text, name);
  const auto top = YAML::Load(std::string(text));
  if (top.IsMap() || top.IsNull()) return top;
  fail(name, top.Mark().line + 1, "must be keys with values, such as \"drain: 30\"");
} catch (const YAML::Exception& error) {
  const int line = std::max(error.mark.line, 0);
  if (begins_with_tab(text, line)) fail(name, line + 1, "is indented with a tab; use spaces");
  fail(name, line + 1,
       fmt::format(
           "is not YAML: {}; look at the indentation, the quotes and the brackets, here and just above",
           without_quote(error.msg)));
}

}  // namespace conf
