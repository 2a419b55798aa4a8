// A name of any bytes, asked for in a depot with links that lead out of it: what is opened lies inside the
// root, has the name that was asked but for case, and every miss has its explanation.
#include <array>
#include <cstdint>
#include <string>

#include "storage/archives/member_name.hpp"
#include "storage/files/root.hpp"
#include "storage/lookup/asked_name.hpp"
#include "storage/lookup/explain.hpp"
#include "tests/fuzz/require.hpp"
#include "tests/unit/storage/images.hpp"

using fuzz::require;
using storage::AboveRoot;

namespace {

const test::Images& images() {
  static const test::Images images;
  return images;
}

std::string content_of(const storage::File& file) {
  std::string text(64, '\0');
  const std::array<std::span<std::byte>, 1> pieces{std::as_writable_bytes(std::span(text))};
  text.resize(file.read(storage::File::Pieces(pieces), 0).value());
  return text;
}

void check_path(const storage::Path& path, AboveRoot above) {
  for (const auto& component : path.components())
    require(storage::Path::is_component(component), "a path's components are names");
  require(storage::Path::parse(path.text(), above) == path, "a path is what its text says");
}

void check_found(std::string_view asked, AboveRoot above, const storage::Found& found) {
  check_path(found.path, above);
  require(!content_of(found.file).starts_with("secret"), "what is opened lies inside the root");
  const auto name = storage::read_name(asked, above);
  require(name && storage::folded(name->path.name()) == storage::folded(found.path.name()),
          "another file is never served");
}

void check_miss(const storage::Miss& miss) {
  require(static_cast<bool>(miss.error) && !miss.what.empty(), "a miss is explained");
  if (!miss.nearest) return;
  const auto there = images().root.attributes(*miss.nearest);
  require(there && there->kind == storage::Kind::file, "what is near exists");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto above = (data[0] & 1) != 0 ? AboveRoot::refused : AboveRoot::stays;
  const storage::LookupSettings settings{
      (data[0] & 2) != 0, {{*storage::Path::parse("/home"), *storage::Path::parse("/other/out")}}};
  const std::string_view asked(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto& root = images().root;
  if (const auto name = storage::read_name(asked, above)) check_path(name->path, above);
  const auto plain = storage::find_as_asked(root, asked, above, settings);
  const auto found = storage::find_image(root, images().catalogue(), asked, above, settings);
  if (plain) require(found && found->path == plain->path, "what needs no catalogue is found with one too");
  if (!found) {
    check_miss(storage::explain_miss(root, images().catalogue(), asked, found.error()));
    return 0;
  }
  if (found->rule != storage::Rule::alias) check_found(asked, above, *found);
  require(!content_of(found->file).starts_with("secret"), "what is opened lies inside the root");
  return 0;
}
