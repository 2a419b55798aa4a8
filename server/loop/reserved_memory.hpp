#pragma once
#include <array>
#include <cstddef>
#include <memory>
#include <utility>

namespace server {

// Room for one handler that waits, set aside beforehand: who is bound to it (net::bind_allocator) can be
// handed to the loop even when memory has run out. One handler at a time, which must not outlive it.
class ReservedMemory {
 public:
  template <class T>
  class Allocator {
   public:
    using value_type = T;
    explicit Allocator(ReservedMemory& memory) : memory_(&memory) {}
    template <class U>
    explicit(false) Allocator(const Allocator<U>& other) : memory_(other.memory_) {}

    T* allocate(std::size_t) const {
      static_assert(sizeof(T) <= room && alignof(T) <= alignof(std::max_align_t));
      return reinterpret_cast<T*>(memory_->bytes_.data());
    }
    void deallocate(T*, std::size_t) const {}
    template <class U>
    bool operator==(const Allocator<U>& other) const {
      return memory_ == other.memory_;
    }

   private:
    template <class U>
    friend class Allocator;
    ReservedMemory* memory_;
  };

  Allocator<std::byte> allocator() { return Allocator<std::byte>(*this); }

 private:
  static constexpr std::size_t room = 256;
  alignas(std::max_align_t) std::array<std::byte, room> bytes_;
};

// The same for a wait that is begun again and again, by one who may go before it ends: the loop keeps it
// then.
class WaitMemory {
 public:
  template <class T>
  class Allocator {
   public:
    using value_type = T;
    explicit Allocator(std::shared_ptr<ReservedMemory> memory) : memory_(std::move(memory)) {}
    template <class U>
    explicit(false) Allocator(const Allocator<U>& other) : memory_(other.memory_) {}

    T* allocate(std::size_t count) const { return ReservedMemory::Allocator<T>(*memory_).allocate(count); }
    void deallocate(T*, std::size_t) const {}
    template <class U>
    bool operator==(const Allocator<U>& other) const {
      return memory_ == other.memory_;
    }

   private:
    template <class U>
    friend class Allocator;
    std::shared_ptr<ReservedMemory> memory_;
  };

  Allocator<std::byte> allocator() const { return Allocator<std::byte>(memory_); }

 private:
  std::shared_ptr<ReservedMemory> memory_ = std::make_shared<ReservedMemory>();
};

}  // namespace server
