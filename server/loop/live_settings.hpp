#pragma once
#include <memory>
#include <utility>

namespace conf {
struct Settings;
}  // namespace conf

namespace server {

// The settings in force: a reload replaces them as a whole. Belongs to the loop's thread; work on another
// takes now() along.
class LiveSettings {
 public:
  explicit LiveSettings(std::shared_ptr<const conf::Settings> settings) : settings_(std::move(settings)) {}
  const conf::Settings* operator->() const { return settings_.get(); }
  const conf::Settings& operator*() const { return *settings_; }
  const std::shared_ptr<const conf::Settings>& now() const { return settings_; }
  void replace(std::shared_ptr<const conf::Settings> settings) { settings_ = std::move(settings); }

 private:
  std::shared_ptr<const conf::Settings> settings_;
};

}  // namespace server
