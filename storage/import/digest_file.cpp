#include "storage/import/digest_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <system_error>

#include "storage/archives/member_name.hpp"
#include "storage/archives/rejected.hpp"
#include "storage/files/path_text.hpp"
#include "storage/files/plain_file.hpp"

namespace storage {
namespace fs = std::filesystem;
namespace {

constexpr std::uint64_t largest = 1 << 20;  // 7,000 lines
constexpr std::string_view sums_name = "SHA512SUMS";
constexpr std::array<std::pair<std::string_view, DigestKind>, 2> endings{
    {{".sha512", DigestKind::sha512}, {".md5", DigestKind::md5}}};

// Whose digest it holds, and of which kind; an empty name for a list of many.
struct Subject {
  std::string file;
  DigestKind kind = DigestKind::sha512;
};

std::optional<Subject> subject_of(std::string_view name) {
  const auto lower = folded(name);
  if (lower == folded(sums_name)) return Subject{};
  for (const auto& [ending, kind] : endings)
    if (lower.size() > ending.size() && lower.ends_with(ending))
      return Subject{std::string(name.substr(0, name.size() - ending.size())), kind};
  return std::nullopt;
}

std::string content_of(const File& file, const std::string& name) {
  const auto size = file.at_open().size;
  if (size > largest)
    throw Rejected(fmt::format("{} has {} bytes, too many for a list of digests", in_quotes(name), size));
  std::string text(static_cast<std::size_t>(size), '\0');
  const std::span<std::byte> whole = std::as_writable_bytes(std::span(text));
  const auto got = file.read({&whole, 1}, 0);
  if (!got) throw std::system_error(got.error(), "cannot read " + name);
  text.resize(*got);
  return text;
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view white = " \t\r";
  text.remove_prefix(std::min(text.find_first_not_of(white), text.size()));
  return text.substr(0, text.find_last_not_of(white) + 1);
}

struct Line {
  std::string_view file, hex;
};

// "HEX", "HEX  NAME", "HEX *NAME", or BSD's "SHA512 (NAME) = HEX".
Line taken_apart(std::string_view line) {
  line = trimmed(line);
  const auto open = line.find(" ("), close = line.rfind(") = ");
  if (open != line.npos && close != line.npos && open + 2 <= close)
    return {line.substr(open + 2, close - open - 2), trimmed(line.substr(close + 4))};
  const auto space = line.find_first_of(" \t");
  if (space == line.npos) return {{}, line};
  auto file = trimmed(line.substr(space));
  if (file.starts_with('*')) file.remove_prefix(1);
  return {file.substr(file.rfind('/') + 1), line.substr(0, space)};
}

}  // namespace

bool is_digest_file(std::string_view name) { return subject_of(name).has_value(); }

std::string parse_digest(std::string_view text, DigestKind kind) {
  auto hex = folded(trimmed(text));
  const bool good =
      hex.size() == digest_length(kind) && hex.find_first_not_of("0123456789abcdef") == std::string::npos;
  return good ? hex : std::string{};
}

std::vector<KnownDigest> read_digest_file(const fs::path& path) {
  return read_digest_file(open_plain_file(path), utf8_of(path.filename()));
}

std::vector<KnownDigest> read_digest_file(const File& file, const std::string& where) {
  const auto subject = subject_of(where).value();
  const auto text = content_of(file, where);
  std::vector<KnownDigest> found;
  for (std::string_view rest = text; !rest.empty();) {
    const auto line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    const auto [name, hex] = taken_apart(line);
    auto digest = parse_digest(hex, subject.kind);
    if (digest.empty() || (name.empty() && subject.file.empty())) continue;
    found.push_back({std::string(name), subject.kind, std::move(digest), where});
  }
  if (found.size() == 1 && !subject.file.empty()) found.front().file = subject.file;
  if (!subject.file.empty()) std::erase_if(found, [&](const auto& d) { return d.file != subject.file; });
  if (!found.empty()) return found;
  throw Rejected(fmt::format("{} holds no {} digest{}; put the right one there or take it away",
                             in_quotes(where), digest_name(subject.kind),
                             subject.file.empty() ? "" : " of " + in_quotes(subject.file)));
}

std::vector<fs::path> digest_files_beside(const fs::path& file) {
  std::vector<fs::path> candidates{file.parent_path() / sums_name};
  for (const auto& [ending, kind] : endings) candidates.emplace_back(file) += ending;
  std::erase_if(candidates, [](const fs::path& candidate) {
    std::error_code ignored;
    return fs::symlink_status(candidate, ignored).type() != fs::file_type::regular;
  });
  return candidates;
}

std::vector<KnownDigest> digests_beside(const fs::path& file) {
  const auto name = utf8_of(file.filename());
  std::vector<KnownDigest> found;
  for (const auto& candidate : digest_files_beside(file)) {
    for (auto& digest : read_digest_file(candidate))
      if (digest.file == name) found.push_back(std::move(digest));
  }
  return found;
}

}  // namespace storage
