#include "storage/depot/import_note.hpp"

#include <algorithm>
#include <exception>
#include <fstream>
#include <optional>
#include <sstream>
#include <system_error>

#include "storage/depot/depot.hpp"
#include "storage/files/file_text.hpp"
#include "storage/files/plain_file.hpp"

namespace storage {
namespace {

constexpr std::size_t longest_name = 255, most_notes = 16;
constexpr std::size_t width = 3;  // of the percentage, which is written over while others read it

std::string text_of(unsigned percent) {
  auto text = std::to_string(percent);
  return std::string(width - text.size(), ' ') + text;
}

std::optional<ImportUnderWay> read_note(const std::filesystem::path& file) try {
  std::istringstream in(text_of(open_plain_file(file), width + 1 + longest_name + 1));
  ImportUnderWay import{};
  if (!(in >> import.percent) || in.get() != ' ' || !std::getline(in, import.bundle, '\0')) return {};
  if (import.percent > 100 || import.bundle.size() > longest_name) return {};
  return import;
} catch (const std::system_error&) {
  return {};  // it has just ended
}

}  // namespace

ImportNote::ImportNote(const StagingArea& area, const std::string& bundle) : file_(area.note()) {
  std::ofstream(file_, std::ios::binary) << text_of(0) << ' ' << bundle << '\0';
}

void ImportNote::goes_on(std::uint64_t done, std::uint64_t total) {
  const auto percent = total == 0 ? 0U : static_cast<unsigned>(std::min(done, total) * 100 / total);
  if (percent == percent_) return;
  percent_ = percent;
  std::fstream(file_, std::ios::binary | std::ios::in | std::ios::out) << text_of(percent);
}

std::vector<ImportUnderWay> imports_under_way(const Depot& depot) try {
  std::vector<ImportUnderWay> imports;
  for (const auto& note : notes_of_live_areas(depot)) {
    if (auto import = read_note(note); import && imports.size() < most_notes)
      imports.push_back(std::move(*import));
  }
  std::ranges::sort(imports, {}, &ImportUnderWay::bundle);
  return imports;
} catch (const std::exception&) {
  return {};
}

}  // namespace storage
