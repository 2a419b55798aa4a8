#include "storage/lookup/catalogue.hpp"

#include <algorithm>

#include "storage/archives/member_name.hpp"
#include "storage/files/root.hpp"
#include "storage/images/lookalike.hpp"
#include "storage/lookup/scan.hpp"

namespace storage {
namespace {

template <class Index, class Key>
const std::vector<std::uint32_t>* found(const Index& index, const Key& key) {
  const auto place = index.find(key);
  return place == index.end() ? nullptr : &place->second;
}

void note(std::vector<std::uint32_t>& numbers, std::uint32_t number) {
  if (numbers.empty() || numbers.back() != number) numbers.push_back(number);
}

}  // namespace

Catalogue::Catalogue(const Root& root, const Root* rejected, const Visit& visit) {
  auto scanned = scan(root, rejected, visit);
  shelves_ = std::move(scanned.shelves);
  archives_ = std::move(scanned.archives);
  closed_ = std::move(scanned.closed);
  for (std::uint32_t number = 0; number < shelves_.size(); ++number) add(number);
}

void Catalogue::add(std::uint32_t number) {
  const auto& shelf = shelves_[number];
  note(by_path_[skeleton(shelf.path.text())], number);
  for (const auto& file : shelf.files) note(by_file_[skeleton(file.name)], number);
  if (shelf.named) versions_.insert(*shelf.named);
  if (!shelf.path.is_root()) tops_.insert(folded(shelf.path.components().front()));
  if (shelf.linked) return;  // it would make two of one release
  for (const auto& part : shelf.spelling.parts) {
    if (part.version) note(by_number_[release_version(*part.version).fields], number);
  }
}

const Shelf* Catalogue::shelf(const Path& path) const {
  const auto all = like(path);
  const auto same = std::ranges::find(all, path, &Shelf::path);
  return same == all.end() ? nullptr : *same;
}

Catalogue::Shelves Catalogue::like(const Path& path) const {
  return at(found(by_path_, skeleton(path.text())));
}

Catalogue::Shelves Catalogue::holding(std::string_view name) const {
  return at(found(by_file_, skeleton(name)));
}

Catalogue::Shelves Catalogue::numbered(const Version& version) const {
  return at(found(by_number_, release_version(version).fields));
}

Catalogue::Shelves Catalogue::at(const std::vector<std::uint32_t>* numbers) const {
  Shelves shelves;
  if (!numbers) return shelves;
  shelves.reserve(numbers->size());
  for (const auto number : *numbers) shelves.push_back(&shelves_[number]);
  return shelves;
}

}  // namespace storage
