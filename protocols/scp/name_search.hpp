#pragma once
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "protocols/files/file_operation.hpp"
#include "protocols/scp/pattern.hpp"

namespace scp {

// What a pattern matches in one folder, sorted as by a shell. A worker fills it, and its owner looks at it
// when the worker has answered.
class NameSearch final : public files::Names {
 public:
  explicit NameSearch(std::string_view pattern) : pattern_(pattern) {}

  void take(std::string_view name) override;
  void end() override;

  bool too_many() const { return text_.size() > most_bytes || places_.size() > most_names; }
  std::size_t size() const { return places_.size(); }
  std::string_view operator[](std::size_t number) const { return at(places_[number]); }

 private:
  static constexpr std::size_t most_bytes = 64 << 10, most_names = 8 << 10;
  struct Place {
    std::uint32_t begin, size;
  };
  std::string_view at(Place place) const { return std::string_view(text_).substr(place.begin, place.size); }

  const Pattern pattern_;
  std::string text_;  // the names behind one another: a string each would cost several times as much
  std::vector<Place> places_;
};

}  // namespace scp
