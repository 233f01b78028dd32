package dev.ferry;
final class Placeholder {}
